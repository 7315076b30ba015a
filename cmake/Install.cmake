# SPDX-License-Identifier: Apache-2.0
# cmake --install: the agent where no linker finds it by accident, the client, man pages, and the
# licences of everything that is inside the two.
if(TARGET hotdrop-agent)
  install(TARGETS hotdrop-agent LIBRARY DESTINATION lib/hotdrop)
endif()
if(TARGET hotdrop)
  install(TARGETS hotdrop RUNTIME DESTINATION bin)
endif()

foreach(section 1 7)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

install(FILES LICENSE NOTICE DESTINATION share/doc/hotdrop)
install(FILES packaging/completion/hotdrop DESTINATION share/bash-completion/completions)
if(NOT HOTDROP_DEPS STREQUAL "system")
  install(DIRECTORY ${HD_DEPS_PREFIX}/share/licenses DESTINATION share/doc/hotdrop)
endif()
