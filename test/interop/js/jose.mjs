// ID tokens checked by jose. The library knows key sets but no discovery, so that is a fetch, as its users write it.
import { createRemoteJWKSet, jwtVerify } from 'jose'

const issuers = new Map()

async function discover(issuer) {
  const response = await fetch(`${issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(10_000) })
  const metadata = await response.json()
  if (metadata.issuer !== issuer) {
    throw new Error(`${issuer} calls itself ${metadata.issuer}`)
  }
  return {
    algorithms: metadata.id_token_signing_alg_values_supported,
    keys: createRemoteJWKSet(new URL(metadata.jwks_uri)),
  }
}

export async function verify({ issuer, audience, token }) {
  if (!issuers.has(issuer)) {
    issuers.set(issuer, await discover(issuer))
  }
  const { algorithms, keys } = issuers.get(issuer)
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience,
    algorithms,
    typ: 'JWT',
    requiredClaims: ['sub', 'iat', 'exp'],
  })
  return { subject: payload.sub }
}

// explain names what in the token was not accepted.
export function explain(error) {
  switch (error.code) {
    case 'ERR_JWT_EXPIRED':
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return { refused: error.claim }
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return { refused: 'kid' }
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return { refused: 'signature' }
  }
}
