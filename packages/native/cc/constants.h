// Hands the numbers of abi.h, and of the statuses it names, to TypeScript, so that none is typed
// twice.
#pragma once

#include <napi.h>

Napi::Object exportAbi(Napi::Env env);
Napi::Object exportStatus(Napi::Env env);
