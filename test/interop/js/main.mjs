// The libraries at the service of the tests. A line of JSON on standard input asks one of them for something, and the
// next line on standard output answers. What a library caches it keeps from call to call, as it would in a service.
import { createInterface } from 'node:readline'
import { putForward } from './clock.mjs'
import * as jose from './jose.mjs'
import * as oauth4webapi from './oauth4webapi.mjs'
import * as openidClient from './openid-client.mjs'

const libraries = { jose, oauth4webapi, 'openid-client': openidClient }

async function answer({ library, call, later, ...request }) {
  putForward(later ?? 0)
  try {
    return { result: await libraries[library][call](request) }
  } catch (error) {
    return { failure: { text: String(error?.stack), ...libraries[library].explain(error) } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))))
}
