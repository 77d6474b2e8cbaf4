/* SPDX-License-Identifier: MIT */
/*
 * Installs pendshare.sys as a service, starts it, and stops and removes it when stdin ends. It has
 * to run as long as anything is tested: Wine drops its drivers with its last process.
 */
#include <windows.h>
#include <stdio.h>

#define PATIENCE_MS 20000

static int fail(const char *what)
{
	printf("%s: error %lu\n", what, GetLastError());
	return 1;
}

static int stop(SC_HANDLE service)
{
	SERVICE_STATUS status = {0};
	DWORD waited;

	if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
		return fail("stopping");
	for (waited = 0; waited < PATIENCE_MS; waited += 10) {
		if (QueryServiceStatus(service, &status) &&
		    status.dwCurrentState == SERVICE_STOPPED) {
			puts("stopped");
			return DeleteService(service) ? 0 : fail("removing");
		}
		Sleep(10);
	}
	return fail("it does not stop");
}

int main(void)
{
	SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_ALL_ACCESS);
	SC_HANDLE service = CreateServiceW(
	    manager, L"pendshare", L"pendshare", SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
	    SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
	    L"C:\\windows\\system32\\drivers\\pendshare.sys", NULL, NULL, NULL, NULL, NULL);

	if (!service)
		return fail("installing");
	if (!StartServiceW(service, 0, NULL))
		return fail("starting");
	puts("running");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return stop(service);
}
