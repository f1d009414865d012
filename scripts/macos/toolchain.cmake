# Compiles for macOS on Apple silicon from Linux; scripts/macos-wheel sets the variables of the
# environment. zig compiles, LLVM's linker links: zig makes libraries, and Python loads bundles.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_OSX_DEPLOYMENT_TARGET "" CACHE STRING "told by the compiler's target")
set(CMAKE_OSX_ARCHITECTURES "" CACHE STRING "told by the compiler's target")

set(CMAKE_C_COMPILER "$ENV{MUZERO_ZIG};cc;-target;$ENV{MUZERO_ZIG_TARGET}")
set(CMAKE_CXX_COMPILER "$ENV{MUZERO_ZIG};c++;-target;$ENV{MUZERO_ZIG_TARGET}")
set(CMAKE_AR "${CMAKE_CURRENT_LIST_DIR}/archive" CACHE FILEPATH "")
set(CMAKE_RANLIB "${CMAKE_CURRENT_LIST_DIR}/archive" CACHE FILEPATH "")
set(CMAKE_USER_MAKE_RULES_OVERRIDE_CXX "${CMAKE_CURRENT_LIST_DIR}/link_rule.cmake")

# Nothing that is built here runs here, and nothing of this machine may be linked.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)

# Accelerate's header, and the machine's folders out of assertions and debugging symbols.
get_filename_component(project "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_INIT
      "-isystem ${CMAKE_CURRENT_LIST_DIR}/include -Werror -ffile-prefix-map=${project}=. -ffile-prefix-map=$ENV{MUZERO_PACKAGES}=.")
endforeach()
