/** `pendshare revoke`: an administrator takes the memory of every share back. */

const backend = () =>
  process.platform === 'win32' ? import('@pendshare/backend-windows') : import('@pendshare/backend-linux')

export async function revoke({ grace }: { grace: number }): Promise<void> {
  await (await backend()).revoke(grace)
  console.log(
    grace === 0
      ? 'every share was ended as device-removed; programs have to open the device again'
      : `every owner was asked for its memory; what is left in ${grace} ms ends as recalled`,
  )
}
