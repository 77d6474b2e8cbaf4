// Hands the numbers of abi.h, and of the status codes it names, to TypeScript, so that none is
// typed twice.
#pragma once

#include <napi.h>
#include "status.h"

// An NTSTATUS reads as the unsigned number that one finds in documentation.
inline Napi::Number statusValue(Napi::Env env, NTSTATUS status)
{
	return Napi::Number::New(env, static_cast<uint32_t>(status));
}

Napi::Object exportAbi(Napi::Env env);
Napi::Object exportStatus(Napi::Env env);
