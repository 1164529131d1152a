# Stand-in for cmake/pluginEntry.cmake of Maya's devkit: only what the example uses, so that its
# CMakeLists.txt is configured and built without the devkit. On Linux only.

set(INCLUDE_DIRS "$ENV{DEVKIT_LOCATION}/include")
set(DEVKIT_LIBRARY_DIR "$ENV{DEVKIT_LOCATION}/lib")
# As the devkits of some versions have it.
set(CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS} -std=c++11")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_definitions(-DLINUX -D_BOOL -fvisibility=hidden)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Builds PROJECT_NAME of SOURCE_FILES, with LIBRARIES of the devkit and PACKAGE_LIBS of others.
function(build_plugin)
  include_directories(${INCLUDE_DIRS})
  add_library(${PROJECT_NAME} SHARED ${SOURCE_FILES})
  foreach(library ${LIBRARIES})
    find_library(${library}_PATH NAMES ${library} PATHS ${DEVKIT_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)
    list(APPEND maya_libraries ${${library}_PATH})
  endforeach()
  target_link_libraries(${PROJECT_NAME} ${maya_libraries} ${PACKAGE_LIBS})
  set_target_properties(${PROJECT_NAME} PROPERTIES PREFIX "" SUFFIX ".so")
endfunction()
