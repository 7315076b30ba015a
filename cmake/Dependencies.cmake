# SPDX-License-Identifier: Apache-2.0
# Every library from outside, as one interface target each: hd_dep_websockets, hd_dep_jansson, hd_dep_zip,
# hd_dep_crypto, hd_dep_jni (headers only), hd_dep_smartcols (client), hd_dep_cmocka (tests).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(hd_system_dependency name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(hd_dep_${name} INTERFACE)
  target_link_libraries(hd_dep_${name} INTERFACE PkgConfig::${name})
endfunction()

hd_system_dependency(websockets libwebsockets)
hd_system_dependency(jansson jansson)
hd_system_dependency(zip libzip)
hd_system_dependency(crypto libcrypto)
hd_system_dependency(smartcols smartcols)
hd_system_dependency(cmocka cmocka)

find_path(HD_JNI_INCLUDE jvmti.h
  HINTS $ENV{JAVA_HOME}/include /usr/lib/jvm/default-java/include
        /usr/lib/jvm/java-17-openjdk-amd64/include REQUIRED)
add_library(hd_dep_jni INTERFACE)
target_include_directories(hd_dep_jni SYSTEM INTERFACE ${HD_JNI_INCLUDE} ${HD_JNI_INCLUDE}/linux)
