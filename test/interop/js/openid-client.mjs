// The token endpoint as openid-client uses it: found by discovery, asked by its generic grant.
import * as client from 'openid-client'

const methods = {
  none: client.None,
  basic: () => client.ClientSecretBasic('secret'),
  post: () => client.ClientSecretPost('secret'),
}

function configuration(issuer, { algorithm = 'oidc', authentication = 'none' } = {}) {
  const execute = issuer.startsWith('http:') ? [client.allowInsecureRequests] : []
  return client.discovery(new URL(issuer), 'interop', undefined, methods[authentication](), { algorithm, execute })
}

export async function discover({ issuer, algorithm }) {
  return (await configuration(issuer, { algorithm })).serverMetadata()
}

// grant asks for a token; parameters is a list of pairs, since one may be given twice.
export async function grant({ issuer, authentication, type, parameters }) {
  const config = await configuration(issuer, { authentication })
  return client.genericGrantRequest(config, type, new URLSearchParams(parameters))
}

export async function get({ issuer, url, token }) {
  const config = await configuration(issuer)
  const response = await client.fetchProtectedResource(config, token, new URL(url), 'GET')
  return { status: response.status, body: await response.json() }
}

// explain tells the OAuth errors, in a body or in a challenge, from all others.
export function explain(error) {
  if (error instanceof client.ResponseBodyError) {
    const { status, error: code, error_description: description } = error
    return { oauth: { status, error: code, error_description: description } }
  }
  if (error instanceof client.WWWAuthenticateChallengeError) {
    const [{ scheme, parameters }] = error.cause
    return { oauth: { status: error.status, error: parameters.error, scheme } }
  }
}
