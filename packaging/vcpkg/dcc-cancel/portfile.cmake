# An overlay port, in a checkout or in the archive of the sources, which cargo builds without a network:
#
#     vcpkg install dcc-cancel --overlay-ports=packaging/vcpkg

vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)
# Its interface is C, so one library is for debug builds, too.
set(VCPKG_BUILD_TYPE release)
# dcc-control stays where the package for CMake says that it is.
set(VCPKG_POLICY_ALLOW_EXES_IN_BIN enabled)

get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(CARGO_FLAGS "--locked")
if(EXISTS "${SOURCE_PATH}/vendor")
  string(APPEND CARGO_FLAGS " --offline")
endif()
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DCMAKE_INSTALL_LIBDIR=lib "-DDCC_CANCEL_CARGO_FLAGS=${CARGO_FLAGS}")
vcpkg_cmake_install()
# Not vcpkg_cmake_config_fixup: the package works from lib/cmake, and finds the prefix from there.
set(VCPKG_POLICY_SKIP_MISPLACED_CMAKE_FILES_CHECK enabled)
set(VCPKG_POLICY_SKIP_LIB_CMAKE_MERGE_CHECK enabled)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
