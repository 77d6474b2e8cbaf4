/**
 * Whose pages are pinned, and how many more may be: the user's charge against the locked-memory limit, and what is
 * really pinned. A charge comes before the pin and goes after it, so that pinned ≤ charged ≤ limit at any time.
 */
import { refusal } from './refusal.ts'

/** Pages pinned by one step, as the driver pins them. */
export const PIN_CHUNK = 512

export class Pages {
  /** Bytes of a page. */
  readonly size: number
  readonly limit: number
  #charged = 0
  #pinned = 0

  constructor(limitBytes: number, size: number) {
    if (size < 4096 || !Number.isInteger(Math.log2(size))) {
      throw refusal('EINVAL', `A page of ${size} bytes: mock({ pageSize }) is a power of two, at least 4096.`)
    }
    this.size = size
    this.limit = Math.floor(limitBytes / size)
  }

  get charged(): number {
    return this.#charged
  }

  get pinned(): number {
    return this.#pinned
  }

  /** Throws ERR_PENDSHARE_MEMLOCK, and charges nothing, when the limit would be exceeded. */
  charge(pages: number): void {
    const total = this.#charged + pages
    if (total > this.limit) {
      throw refusal(
        'ENOMEM',
        `Pinning ${pages} pages needs ${total} pages of locked memory, ${this.#charged} of them in use already, and ` +
          `the limit is ${this.limit}. Raise it with mock({ memlockBytes: ${total * this.size} }); ` +
          `on Linux with \`ulimit -l ${(total * this.size) / 1024}\` or LimitMEMLOCK= of the systemd unit.`,
      )
    }
    this.#charged = total
  }

  uncharge(pages: number): void {
    this.#charged -= pages
  }

  pin(pages: number): void {
    this.#pinned += pages
  }

  unpin(pages: number): void {
    this.#pinned -= pages
  }
}
