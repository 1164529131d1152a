# Stand-in for HoudiniConfig.cmake of the HDK: only what the example uses, so that it is configured and built
# without the SDK. What the HDK puts into the user's preferences goes into the build folder here.
add_library(Houdini INTERFACE IMPORTED)
set_target_properties(Houdini PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CURRENT_LIST_DIR}/..")

function(houdini_configure_target target)
  cmake_parse_arguments(H_OUTPUT "" "INSTDIR;LIB_PREFIX" "" ${ARGN})
  if(NOT H_OUTPUT_INSTDIR)
    set(H_OUTPUT_INSTDIR "${CMAKE_BINARY_DIR}/houdini/dso")
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX "${H_OUTPUT_LIB_PREFIX}" LIBRARY_OUTPUT_DIRECTORY "${H_OUTPUT_INSTDIR}")
endfunction()
