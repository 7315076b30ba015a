# SPDX-License-Identifier: Apache-2.0
# One interface target carries the warnings and hardening that every target of ours is built with,
# and one function what only the agent's shared object is linked with.
#
# Nothing here may touch the process around the agent: no executable stack, no constructor, no
# static TLS, no changed floating point (-ffast-math sets a mode of the whole process when loaded).
include(CheckPIESupported)
check_pie_supported()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()

add_library(hd_flags INTERFACE)
target_include_directories(hd_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(hd_flags INTERFACE _GNU_SOURCE HOTDROP_VERSION="${PROJECT_VERSION}")
target_compile_options(hd_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wwrite-strings -Wpointer-arith -Wcast-qual -Wformat=2 -Wundef -Wvla -Walloca
  -Wconversion -Wno-sign-conversion
  $<$<C_COMPILER_ID:GNU>:-Wlogical-op;-Wduplicated-cond>
  $<$<C_COMPILER_ID:Clang>:-Wno-format-nonliteral;-Wno-missing-field-initializers>
  -fno-strict-aliasing -ffunction-sections -fdata-sections)
target_link_options(hd_flags INTERFACE
  -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)

if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_options(hd_flags INTERFACE -O1)
endif()

if(HOTDROP_SANITIZE)
  target_compile_options(hd_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(hd_flags INTERFACE -fsanitize=address,undefined)
elseif(HOTDROP_THREAD_SANITIZER)
  target_compile_options(hd_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(hd_flags INTERFACE -fsanitize=thread)
else()
  target_compile_options(hd_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:-mbranch-protection=standard>)
endif()
if(HOTDROP_FUZZ)
  target_compile_options(hd_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# The agent shares a process with other copies of the same libraries (the JVM's zlib, an
# application's OpenSSL), so it exports its entry points only and binds everything else to itself.
# nodelete: the JVM may unload an agent while a detached thread is still inside it.
function(hd_agent_link_options target)
  set(map ${PROJECT_SOURCE_DIR}/cmake/agent.map)
  set(start ${PROJECT_SOURCE_DIR}/cmake/agent-start.ld)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${map} ${start})
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${map} -Wl,-T,${start} -Wl,-Bsymbolic -Wl,-z,nodelete)
  if(NOT HOTDROP_SANITIZE AND NOT HOTDROP_THREAD_SANITIZER)
    # The sanitizers' symbols come from the process that loads us.
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
