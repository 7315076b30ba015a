# SPDX-License-Identifier: Apache-2.0
# One interface target carries the warnings and hardening that every target of ours is built with.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()

add_library(hd_flags INTERFACE)
target_include_directories(hd_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(hd_flags INTERFACE _GNU_SOURCE HOTDROP_VERSION="${PROJECT_VERSION}")
target_compile_options(hd_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings
  -Wpointer-arith -Wcast-qual -Wformat=2 -Wundef -Wvla -Wconversion -Wno-sign-conversion
  -fstack-protector-strong -fno-strict-aliasing -ffunction-sections -fdata-sections)
target_link_options(hd_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections)

if(HOTDROP_SANITIZE)
  target_compile_options(hd_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(hd_flags INTERFACE -fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(hd_flags INTERFACE -O1)
else()
  target_compile_options(hd_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(HOTDROP_FUZZ)
  target_compile_options(hd_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
