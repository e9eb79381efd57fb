#include "coordinator/data_directory.h"

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

TEST(NetworkFileSystem, NamesThoseOnOtherMachines) {
  EXPECT_EQ(network_file_system(0x6969), "NFS");
  EXPECT_EQ(network_file_system(0xFE534D42), "SMB");
  EXPECT_EQ(network_file_system(static_cast<std::int32_t>(0xFF534D42)), "SMB") << "f_type is signed on some machines";
  EXPECT_EQ(network_file_system(0x00C36400), "Ceph");
}

TEST(NetworkFileSystem, LeavesLocalOnesAlone) {
  EXPECT_EQ(network_file_system(0xEF53), "") << "ext4";
  EXPECT_EQ(network_file_system(0x58465342), "") << "XFS";
  EXPECT_EQ(network_file_system(0x9123683E), "") << "btrfs";
  EXPECT_EQ(network_file_system(0x01021994), "") << "tmpfs";
  EXPECT_EQ(network_file_system(0x794C7630), "") << "overlayfs";
}

TEST(RemoteMountType, TellsFuseFileSystemsApart) {
  EXPECT_TRUE(is_remote_mount_type("fuse.sshfs"));
  EXPECT_TRUE(is_remote_mount_type("nfs4"));
  EXPECT_FALSE(is_remote_mount_type("fuse.ntfs-3g"));
  EXPECT_FALSE(is_remote_mount_type("fuseblk"));
  EXPECT_FALSE(is_remote_mount_type("ext4"));
  EXPECT_FALSE(is_remote_mount_type(""));
}

}  // namespace
}  // namespace mito::coordinator
