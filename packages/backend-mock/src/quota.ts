/** How much of the driver one user may hold besides memory: live shares, and timer ticks a second. */
import { refusal } from './refusal.ts'

const NS_PER_S = 1e9

export class Quota {
  readonly maxShares: number
  readonly maxTicksPerSecond: number
  #shares = 0
  #ticksPerSecond = 0

  constructor(maxShares: number, maxTicksPerSecond: number) {
    this.maxShares = maxShares
    this.maxTicksPerSecond = maxTicksPerSecond
  }

  get shares(): number {
    return this.#shares
  }

  takeShare(): void {
    if (this.#shares >= this.maxShares) {
      throw refusal(
        'EDQUOT',
        `This user has ${this.#shares} shares, as many as the driver allows. Release some, or raise the quota with mock({ maxShares }).`,
      )
    }
    this.#shares += 1
  }

  giveShare(): void {
    this.#shares -= 1
  }

  takeTimer(periodNs: number): void {
    const rate = NS_PER_S / periodNs
    if (this.#ticksPerSecond + rate > this.maxTicksPerSecond) {
      throw refusal(
        'EDQUOT',
        `The timers of this user would tick ${Math.round(this.#ticksPerSecond + rate)} times a second, and ` +
          `${this.maxTicksPerSecond} are allowed. Use longer periods, or raise the quota with mock({ maxTicksPerSecond }).`,
      )
    }
    this.#ticksPerSecond += rate
  }

  giveTimer(periodNs: number): void {
    this.#ticksPerSecond -= NS_PER_S / periodNs
  }
}
