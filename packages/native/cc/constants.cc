#include "constants.h"

#include "port.h"

static_assert(sizeof(pendshare_event) == 32);
static_assert(sizeof(pendshare_info) == 328);
static_assert(sizeof(pendshare_share) == 216);
static_assert(sizeof(pendshare_pend) == 32);
static_assert(sizeof(pendshare_end) == 48);
static_assert(sizeof(pendshare_notify) == 16);
static_assert(sizeof(pendshare_shutdown) == 8);
static_assert(sizeof(pendshare_revoke) == 16);

#define EXPORT(name) constants.Set(#name, Napi::Number::New(env, name))

Napi::Object exportAbi(Napi::Env env)
{
	Napi::Object constants = Napi::Object::New(env);
	EXPORT(PENDSHARE_ABI_VERSION);
	EXPORT(PENDSHARE_ACCESS_READ);
	EXPORT(PENDSHARE_ACCESS_WRITE);
	EXPORT(PENDSHARE_EVENT_DOORBELL);
	EXPORT(PENDSHARE_EVENT_END);
	EXPORT(PENDSHARE_EVENT_RECALL);
	EXPORT(PENDSHARE_EVENT_REMOVED);
	EXPORT(PENDSHARE_EVENT_ACCEPTED);
	EXPORT(PENDSHARE_RELEASED);
	EXPORT(PENDSHARE_CANCELLED);
	EXPORT(PENDSHARE_CLOSED);
	EXPORT(PENDSHARE_OWNER_EXITED);
	EXPORT(PENDSHARE_DEVICE_REMOVED);
	EXPORT(PENDSHARE_PEER_ENDED);
	EXPORT(PENDSHARE_DEADLINE);
	EXPORT(PENDSHARE_RECALLED);
	EXPORT(PENDSHARE_FAILED);
	EXPORT(PENDSHARE_FAILURE_RING);
	EXPORT(PENDSHARE_FAILURE_PEER);
	EXPORT(PENDSHARE_FAILURE_FRAMES);
	return constants;
}

Napi::Object exportStatus(Napi::Env env)
{
	Napi::Object constants = Napi::Object::New(env);
	for (const NamedStatus &status : namedStatuses())
		constants.Set(status.name, Napi::Number::New(env, status.status));
	return constants;
}
