// Creates a user. Address, admin and password come from MITO_COORDINATOR_ADDR, MITO_USER and MITO_PASSWORD, or from a
// login that `mito client login` keeps.
#include <cstdio>
#include <netmito.h>

int main() {
  using namespace netmito;
  try {
    ClientConfig config;
    MitoClient client(config);
    AdminCreateUserArgs args{.username = "new_user", .password = "new_password", .admin = false};
    unwrap(client.admin_create_user(args));
    std::puts("created new_user");
  } catch (const MitoError& error) {
    std::fprintf(stderr, "cannot create the user: %s\n", error.what());
    return 1;
  }
}
