// jose's verdicts on many tokens: one question as JSON on standard input, one list of answers on standard output.
import { createLocalJWKSet, jwtVerify } from 'jose'
import { readFileSync } from 'node:fs'

const { keySet, issuer, audience, algorithms, tokens } = JSON.parse(readFileSync(0, 'utf8'))
const keys = createLocalJWKSet(keySet)

async function judge(token) {
  try {
    const { payload } = await jwtVerify(Buffer.from(token, 'base64').toString('latin1'), keys, {
      issuer, audience, algorithms, typ: 'JWT', requiredClaims: ['sub', 'exp', 'iat'],
    })
    const { sub, jti } = payload
    const exp = Number.isSafeInteger(Math.floor(payload.exp)) ? Math.floor(payload.exp) : -1 // it may be 1e300
    return { reading: { sub: String(sub), jti: jti === undefined ? '' : String(jti), exp } }
  } catch (error) {
    return { refused: `${error.code ?? error.name}: ${error.message}` }
  }
}

const answers = []
for (const token of tokens) {
  answers.push(await judge(token))
}
console.log(JSON.stringify(answers))
