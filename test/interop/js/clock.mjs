// A clock that can be put forward, in place of the one that the libraries would read.
const RealDate = Date
let ahead = 0 // milliseconds

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    super(...(parts.length > 0 ? parts : [RealDate.now() + ahead]))
  }

  static now() {
    return RealDate.now() + ahead
  }
}

export function putForward(seconds) {
  ahead = seconds * 1000
}
