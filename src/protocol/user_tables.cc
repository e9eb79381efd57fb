#include "protocol/value_codec.h"

namespace mito::protocol {

MITO_TABLE(HealthResp, MEMBER(status));
MITO_TABLE(UserLoginReq, MEMBER(username), MEMBER(md5_password), DEFAULTED(retain));
MITO_TABLE(TokenResp, MEMBER(token));
MITO_TABLE(RedisConnectionInfo, MEMBER(url));
MITO_TABLE(UserChangePasswordReq, MEMBER(old_md5_password), MEMBER(new_md5_password));
MITO_TABLE(GroupsQueryResp, MEMBER(groups));
MITO_TABLE(CreateUserReq, MEMBER(username), MEMBER(md5_password), MEMBER(admin));
MITO_TABLE(ChangeUserStateReq, MEMBER(state));
MITO_TABLE(UserStateResp, MEMBER(state));
MITO_TABLE(AdminChangePasswordReq, MEMBER(new_md5_password));
MITO_TABLE(ChangeUserGroupQuotaReq, MEMBER(group_quota));
MITO_TABLE(UserGroupQuotaResp, MEMBER(group_quota));
MITO_TABLE(ChangeGroupStorageQuotaReq, MEMBER(storage_quota));
MITO_TABLE(GroupStorageQuotaResp, MEMBER(storage_quota));
MITO_TABLE(ShutdownReq, MEMBER(secret));
MITO_TABLE(ChangeGroupStateReq, MEMBER(state));
MITO_TABLE(GroupStateResp, MEMBER(state));
MITO_TABLE(AdminUsersQueryReq, MEMBER(username), SET(states), MEMBER(admin), MEMBER(limit), MEMBER(offset),
           DEFAULTED(count));
MITO_TABLE(UserQueryInfo, MEMBER(username), MEMBER(admin), MEMBER(state), MEMBER(group_quota), MEMBER(group_count),
           MEMBER(created_at), MEMBER(updated_at), MEMBER(current_sign_in_at), MEMBER(current_sign_in_ip),
           MEMBER(last_sign_in_at), MEMBER(last_sign_in_ip));
MITO_TABLE(AdminUsersQueryResp, MEMBER(count), MEMBER(users));
MITO_TABLE(AdminGroupsQueryReq, MEMBER(group_name), MEMBER(creator_username), SET(states), MEMBER(limit),
           MEMBER(offset), DEFAULTED(count));

}  // namespace mito::protocol
