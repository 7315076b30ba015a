# SPDX-License-Identifier: Apache-2.0
# Every library from outside, as one interface target each: hd_dep_websockets, hd_dep_jansson,
# hd_dep_zip, hd_dep_deflate, hd_dep_tls (OpenSSL's two), hd_dep_jni (headers only), hd_dep_smartcols (client), hd_dep_cmocka (tests).
#
# HOTDROP_DEPS=static takes the first four from deps/build and OpenSSL's static libraries from the
# system, so that the agent needs libc only; HOTDROP_DEPS=system takes the distribution's shared ones;
# HOTDROP_DEPS=portable (packaging/build) takes all of them from deps/build, as packaging/compiler makes them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(hd_system_dependency name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(hd_dep_${name} INTERFACE)
  target_link_libraries(hd_dep_${name} INTERFACE PkgConfig::${name})
endfunction()

# Sets HD_DEPS_PREFIX; deps/build answers at once where it has built before.
function(hd_build_static_dependencies)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/deps/build ${PROJECT_SOURCE_DIR}/deps/versions ${PROJECT_SOURCE_DIR}/deps/versions-portable)
  execute_process(COMMAND ${PROJECT_SOURCE_DIR}/deps/build ${ARGN}
    OUTPUT_VARIABLE prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "deps/build failed (its last lines are above). Mend that, or configure with "
      "-DHOTDROP_DEPS=system to link the distribution's shared libraries.")
  endif()
  set(HD_DEPS_PREFIX ${prefix} PARENT_SCOPE)
endfunction()

function(hd_static_dependency name)
  add_library(hd_dep_${name} INTERFACE)
  target_include_directories(hd_dep_${name} SYSTEM INTERFACE ${HD_DEPS_PREFIX}/include)
  foreach(archive IN LISTS ARGN)
    target_link_libraries(hd_dep_${name} INTERFACE ${HD_DEPS_PREFIX}/lib/${archive})
  endforeach()
endfunction()

if(HOTDROP_DEPS STREQUAL "static")
  hd_build_static_dependencies()
  hd_static_dependency(websockets libwebsockets.a)
  hd_static_dependency(jansson libjansson.a)
  hd_static_dependency(zip libzip.a libz.a libdeflate.a)
  hd_static_dependency(deflate libdeflate.a)
  find_library(HD_SSL_ARCHIVE libssl.a DOC "OpenSSL's static libraries (libssl-dev)" REQUIRED)
  find_library(HD_CRYPTO_ARCHIVE libcrypto.a DOC "OpenSSL's static libraries (libssl-dev)" REQUIRED)
  find_path(HD_CRYPTO_INCLUDE openssl/evp.h REQUIRED)
  add_library(hd_dep_tls INTERFACE)
  target_include_directories(hd_dep_tls SYSTEM INTERFACE ${HD_CRYPTO_INCLUDE})
  target_link_libraries(hd_dep_tls INTERFACE
    ${HD_SSL_ARCHIVE} ${HD_CRYPTO_ARCHIVE} Threads::Threads ${CMAKE_DL_LIBS})
elseif(HOTDROP_DEPS STREQUAL "portable")
  get_filename_component(hd_compiler ${CMAKE_C_COMPILER} DIRECTORY)
  hd_build_static_dependencies(--portable ${hd_compiler})
  hd_static_dependency(websockets libwebsockets.a)
  hd_static_dependency(jansson libjansson.a)
  hd_static_dependency(zip libzip.a libz.a libdeflate.a)
  hd_static_dependency(deflate libdeflate.a)
  hd_static_dependency(tls libssl.a libcrypto.a)
  target_link_libraries(hd_dep_tls INTERFACE Threads::Threads ${CMAKE_DL_LIBS})
  hd_static_dependency(smartcols libsmartcols.a)
elseif(HOTDROP_DEPS STREQUAL "system")
  hd_system_dependency(websockets libwebsockets)
  hd_system_dependency(jansson jansson)
  hd_system_dependency(zip libzip)
  hd_system_dependency(deflate libdeflate)
  hd_system_dependency(tls openssl)
else()
  message(FATAL_ERROR "HOTDROP_DEPS is \"${HOTDROP_DEPS}\"; it can be static, portable or system")
endif()

if(NOT HOTDROP_DEPS STREQUAL "portable")
  hd_system_dependency(smartcols smartcols)
endif()
if(BUILD_TESTING AND HD_CMOCKA_ROOT) # another processor's, for packaging/emulated
  file(GLOB hd_cmocka_library ${HD_CMOCKA_ROOT}/lib/*/libcmocka.so.0)
  add_library(hd_dep_cmocka INTERFACE)
  target_include_directories(hd_dep_cmocka SYSTEM INTERFACE ${HD_CMOCKA_ROOT}/include)
  target_link_libraries(hd_dep_cmocka INTERFACE ${hd_cmocka_library})
elseif(BUILD_TESTING)
  hd_system_dependency(cmocka cmocka)
endif()

# Any JDK's headers do: what is asked of the JVM at run time is JVMTI 1.2.
file(GLOB hd_jdk_includes /usr/lib/jvm/*/include)
find_path(HD_JNI_INCLUDE jvmti.h
  HINTS $ENV{JAVA_HOME}/include /usr/lib/jvm/default-java/include ${hd_jdk_includes}
  DOC "a JDK's include directory" REQUIRED)
add_library(hd_dep_jni INTERFACE)
target_include_directories(hd_dep_jni SYSTEM INTERFACE ${HD_JNI_INCLUDE} ${HD_JNI_INCLUDE}/linux)
