# CMake reads this after its own rules for Darwin, and so these hold.
set(CMAKE_CXX_CREATE_SHARED_MODULE
    "${CMAKE_CURRENT_LIST_DIR}/link <OBJECTS> <LINK_FLAGS> <LINK_LIBRARIES> -o <TARGET>")
