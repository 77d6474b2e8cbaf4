# What the CMakeLists.txt of every backend with an addon includes: pendshare_addon(NAME PORT_SOURCE...) defines the addon
# NAME from this package's sources and those of the backend's port.
set(PENDSHARE_CC ${CMAKE_CURRENT_LIST_DIR})

# Prints what Node says to a script, run where the addon is built.
function(pendshare_ask RESULT SCRIPT)
	find_program(NODE_EXECUTABLE node REQUIRED)
	execute_process(COMMAND ${NODE_EXECUTABLE} -p ${SCRIPT} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
		OUTPUT_VARIABLE ANSWER OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
	file(TO_CMAKE_PATH "${ANSWER}" ANSWER)
	set(${RESULT} ${ANSWER} PARENT_SCOPE)
endfunction()

function(pendshare_addon NAME)
	set(SHARED addon.cc constants.cc device.cc share.cc waiter_poll.cc waiter_thread.cc)
	list(TRANSFORM SHARED PREPEND ${PENDSHARE_CC}/)
	add_library(${NAME} SHARED ${SHARED} ${ARGN} ${CMAKE_JS_SRC})
	set_target_properties(${NAME} PROPERTIES PREFIX "" SUFFIX ".node"
		CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_VISIBILITY_PRESET hidden)

	# A DLL counts as a runtime, whose place cmake-js leaves to the system and the generator: the loader looks in one.
	set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/$<CONFIG>)

	# In the workspace the ABI lies beside the drivers; a published package carries a copy. The workspace's comes first, as
	# a copy that packing was killed over would be out of date.
	foreach(DIR IN ITEMS ${PENDSHARE_CC}/../../../drivers/include ${PENDSHARE_CC}/../include)
		if(EXISTS ${DIR}/pendshare/abi.h)
			target_include_directories(${NAME} PRIVATE ${PENDSHARE_CC} ${DIR})
			break()
		endif()
	endforeach()

	pendshare_ask(NODE_ADDON_API "require('node-addon-api').include_dir")
	target_include_directories(${NAME} SYSTEM PRIVATE ${CMAKE_JS_INC} ${NODE_ADDON_API})
	target_compile_definitions(${NAME} PRIVATE
		NODE_GYP_MODULE_NAME=${NAME} NAPI_VERSION=8 NAPI_DISABLE_CPP_EXCEPTIONS)
	# Node unloads an addon with the worker that loaded it, and the thread ends afterwards: a C++ library that is linked in has
	# left a destructor with the thread, whose code has to stay.
	if(CMAKE_SYSTEM_NAME STREQUAL Linux)
		target_link_options(${NAME} PRIVATE -Wl,-z,nodelete -Wl,--version-script=${PENDSHARE_CC}/exports.map)
	endif()
	if(MSVC)
		target_compile_options(${NAME} PRIVATE /utf-8 /W4 $<$<BOOL:${PENDSHARE_WERROR}>:/WX>)
	else()
		target_compile_options(${NAME} PRIVATE -Wall -Wextra $<$<BOOL:${PENDSHARE_WERROR}>:-Werror>)
	endif()
endfunction()

# uv.h comes with Node itself, not with the Node-API headers; in the npm package `node` it lies one level deeper.
# Without it the poll wake-up is left out.
function(pendshare_poll NAME)
	pendshare_ask(NODE_ROOT "require('path').resolve(process.execPath, '../..')")
	pendshare_ask(NODE_SYSTEM "process.platform + '-' + process.arch")
	find_path(NODE_INCLUDE uv.h NO_DEFAULT_PATH
		PATHS ${NODE_ROOT}/include/node ${NODE_ROOT}/node_modules/node-${NODE_SYSTEM}/include/node)
	if(NODE_INCLUDE)
		# Copied out, so that none of Node's other headers can shadow the Node-API ones.
		file(COPY ${NODE_INCLUDE}/uv.h ${NODE_INCLUDE}/uv DESTINATION ${CMAKE_CURRENT_BINARY_DIR}/uv-include)
		target_include_directories(${NAME} SYSTEM PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/uv-include)
		target_compile_definitions(${NAME} PRIVATE PENDSHARE_UV)
	else()
		message(STATUS "No uv.h in ${NODE_ROOT}: building without the poll wake-up")
	endif()
endfunction()
