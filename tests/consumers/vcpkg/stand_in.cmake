# Stand-in for vcpkg: the functions that the port calls. `cmake -P` of this file runs the port:
#
#   PORT_FOLDER           where its portfile.cmake is
#   PORT                  its name
#   CURRENT_BUILDTREES_DIR, CURRENT_PACKAGES_DIR    as vcpkg sets them

cmake_minimum_required(VERSION 3.20)

# What the port gives to a function besides these is an error.
macro(parse)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "SOURCE_PATH" "OPTIONS;FILE_LIST")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vcpkg knows no argument ${ARG_UNPARSED_ARGUMENTS}")
  endif()
endmacro()

function(run)
  execute_process(COMMAND "${CMAKE_COMMAND}" ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(vcpkg_check_linkage linkage)
  if(NOT linkage STREQUAL "ONLY_DYNAMIC_LIBRARY")
    message(FATAL_ERROR "the library is shared, and the port says ${linkage}")
  endif()
endfunction()

function(vcpkg_cmake_configure)
  parse()
  run(-G Ninja -S "${ARG_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}" ${ARG_OPTIONS}
      -DCMAKE_BUILD_TYPE=Release "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}")
endfunction()

function(vcpkg_cmake_install)
  run(--build "${CURRENT_BUILDTREES_DIR}")
  run(--install "${CURRENT_BUILDTREES_DIR}")
endfunction()

function(vcpkg_fixup_pkgconfig)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/dcc_cancel.pc")
    message(FATAL_ERROR "no file for pkg-config is in lib/pkgconfig")
  endif()
endfunction()

function(vcpkg_install_copyright)
  parse()
  foreach(file IN LISTS ARG_FILE_LIST)
    file(READ "${file}" text)
    file(APPEND "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${text}")
  endforeach()
endfunction()

include("${PORT_FOLDER}/portfile.cmake")
