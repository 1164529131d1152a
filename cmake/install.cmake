# Installs the headers, the library, the tool, the Python package, the licences, and the package files for
# CMake and pkg-config.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

install(FILES include/dcc_cancel.h include/dcc_cancel.hpp include/dcc_cancel_dl.h
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY include/dcc_cancel DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
# The Python package. It looks for the library in the same prefix.
install(DIRECTORY python/dcc_cancel DESTINATION "${CMAKE_INSTALL_DATADIR}/dcc_cancel/python"
        FILES_MATCHING PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
# The command line tool.
if(DCC_CANCEL_BUILT_TOOL)
  install(PROGRAMS "${DCC_CANCEL_BUILT_TOOL}" DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(FILES LICENSE-MIT LICENSE-APACHE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/dcc_cancel")
if(WIN32)
  set(DCC_CANCEL_INSTALLED "${CMAKE_INSTALL_BINDIR}/${DCC_CANCEL_SHARED_NAME}")
  install(PROGRAMS "${DCC_CANCEL_STAGED}" DESTINATION "${CMAKE_INSTALL_BINDIR}")
  # The import libraries get the names that linkers and Unreal's build files look for.
  foreach(DCC_CANCEL_ONE_IMPORT IN LISTS DCC_CANCEL_BUILT_IMPORT)
    if(DCC_CANCEL_ONE_IMPORT MATCHES "\\.lib$")
      set(DCC_CANCEL_IMPORT_NAME "dcc_cancel.lib")
    else()
      set(DCC_CANCEL_IMPORT_NAME "libdcc_cancel.dll.a")
    endif()
    install(FILES "${DCC_CANCEL_ONE_IMPORT}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            RENAME "${DCC_CANCEL_IMPORT_NAME}")
  endforeach()
else()
  # The installed library is the link with the ABI's major version. Projects copy the file that it points to
  # beside their plugins, under the name of the link, because loaders look for that name.
  set(DCC_CANCEL_INSTALLED "${CMAKE_INSTALL_LIBDIR}/${DCC_CANCEL_SHARED_NAME}")
  install(PROGRAMS "${DCC_CANCEL_STAGED}" DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          RENAME "${DCC_CANCEL_VERSIONED_NAME}")
  if(NOT DCC_CANCEL_VERSIONED_NAME STREQUAL DCC_CANCEL_SHARED_NAME)
    file(CREATE_LINK "${DCC_CANCEL_VERSIONED_NAME}"
         "${CMAKE_CURRENT_BINARY_DIR}/${DCC_CANCEL_SHARED_NAME}" SYMBOLIC)
    install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${DCC_CANCEL_SHARED_NAME}"
            DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  endif()
  # The link that -ldcc_cancel finds.
  file(CREATE_LINK "${DCC_CANCEL_SHARED_NAME}"
       "${CMAKE_CURRENT_BINARY_DIR}/${DCC_CANCEL_FILE}" SYMBOLIC)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${DCC_CANCEL_FILE}"
          DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endif()

set(DCC_CANCEL_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/dcc_cancel")
configure_package_config_file(cmake/dcc_cancel-config.cmake.in
  "${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel-config.cmake"
  INSTALL_DESTINATION "${DCC_CANCEL_PACKAGE_DIR}"
  PATH_VARS CMAKE_INSTALL_BINDIR CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR DCC_CANCEL_INSTALLED
  NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel-config-version.cmake"
  VERSION "${DCC_CANCEL_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel-config-version.cmake"
        DESTINATION "${DCC_CANCEL_PACKAGE_DIR}")

# The pkg-config file finds the prefix relative to its own folder.
file(RELATIVE_PATH DCC_CANCEL_PREFIX_FROM_PC
     "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(cmake/dcc_cancel.pc.in "${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/dcc_cancel.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
