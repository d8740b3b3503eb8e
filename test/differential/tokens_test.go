package differential

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"math/rand/v2"
	"strings"
)

// A draft is a token before it is put together.
type draft struct {
	signer          signer
	header, payload string
	sign            func(input string) []byte
	finish          func(compact string) string
}

func newDraft(s signer) *draft {
	return &draft{
		signer: s, header: `{"alg":"` + s.algorithm + `","typ":"JWT","kid":"` + s.id + `"}`, payload: payload,
		sign: s.sign, finish: func(compact string) string { return compact },
	}
}

func (d *draft) token() string {
	input := encode(d.header) + "." + encode(d.payload)
	return d.finish(input + "." + base64.RawURLEncoding.EncodeToString(d.sign(input)))
}

const (
	issuer   = "https://issuer.example.com/w/dev"
	audience = "https://api.example.com"
	payload  = `{"iss":"` + issuer + `","sub":"repo:acme/api","aud":"` + audience + `","jti":"j1","exp":4102444800,"nbf":1700000000,` +
		`"iat":1700000000,"nested":{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"]}}`
)

// A mutation damages a draft in one way.
type mutation func(d *draft)

// set puts a value, or nothing, in the place of a member.
func set(document *string, name, value string) {
	from := strings.Index(*document, `"`+name+`":`)
	rest := (*document)[from:]
	end := strings.IndexAny(rest, ",}")
	switch {
	case value != "":
		*document = (*document)[:from] + `"` + name + `":` + value + rest[end:]
	case rest[end] == ',':
		*document = (*document)[:from] + rest[end+1:]
	default:
		*document = strings.TrimSuffix((*document)[:from], ",") + rest[end:]
	}
}

var (
	numbers = []string{
		``, `null`, `true`, `"4102444800"`, `[4102444800]`, `{}`, `0`, `-0`, `-1`, `1`, `1000000000`, `4102444800`, `4102444800.0`, `4102444800.5`,
		`4.1024448E9`, `41024448e2`, `4102444800e0`, `1e10`, `1e300`, `1e400`, `-1e400`, `253402300799`, `253402300800`, `9007199254740993`,
		`9223372036854775807`, `9223372036854775808`, `99999999999999999999`, `04102444800`, `+4102444800`, `0x10`, `4102444800.`, `.5`, `NaN`, `Infinity`,
	}
	texts = []string{
		``, `null`, `""`, `1`, `true`, `[]`, `{}`, `["` + issuer + `"]`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"a\nb\"",
		`"\x41"`, `'a'`, `"a`, `" ` + issuer + `"`, `"` + issuer + `/"`, `"HTTPS://issuer.example.com/w/dev"`, `"https://issuer.example.com:443/w/dev"`,
		`"\u0068ttps://issuer.example.com/w/dev"`, `"https:\/\/issuer.example.com\/w\/dev"`, `"` + issuer + `"`, `"é"`, `"` + strings.Repeat("a", 3000) + `"`,
	}
	audiences = []string{
		``, `null`, `""`, `[]`, `[null]`, `[""]`, `[1]`, `{}`, `1`, `["` + audience + `"]`, `["other","` + audience + `"]`, `["` + audience + `","other"]`,
		`["` + audience + `","` + audience + `"]`, `[["` + audience + `"]]`, `["` + audience + `",1]`, `"` + audience + ` other"`, `"` + audience + `/"`, `"other"`,
		`"https:\/\/api.example.com"`, `{"` + audience + `":true}`,
	}
	types = []string{
		``, `null`, `1`, `""`, `"jwt"`, `"Jwt"`, `"at+jwt"`, `"application/jwt"`, `"application/at+jwt"`, `"JWT "`, `"JOSE"`, `"logout+jwt"`, `["JWT"]`, `"\u004aWT"`,
	}
	algorithms = []string{
		``, `null`, `1`, `""`, `"none"`, `"None"`, `"NONE"`, `"HS256"`, `"HS512"`, `"es256"`, `"ES256"`, `"ES384"`, `"ES256K"`, `"RS256"`, `"RS1"`, `"PS256"`,
		`"RS512"`, `"EdDSA"`, `"Ed25519"`, `"dir"`, `"A128KW"`, `["ES256"]`, `"ES256\u0000"`, `"\u0045S256"`,
	}
	keyIDs = []string{``, `null`, `1`, `""`, `"ec"`, `"rsa"`, `"ed"`, `"unknown"`, `"EC"`, `"../ec"`, `"ec\u0000"`, `["ec"]`, `"\u0065c"`}
	extra  = []string{ // members of a header
		`"crit":[]`, `"crit":["exp"],"exp":1`, `"crit":["b64"],"b64":false`, `"crit":["b64"],"b64":true`, `"crit":"exp"`, `"crit":null`, `"b64":false`, `"b64":true`,
		`"jku":"https://evil.example/keys"`, `"x5u":"https://evil.example/x"`, `"x5c":[]`, `"x5t":"AAAA"`, `"x5t#S256":"AAAA"`, `"cty":"JWT"`, `"zip":"DEF"`, `"enc":"A128GCM"`,
		`"jwk":{}`, `"jwk":{"kty":"oct","k":"AAAA"}`, `"nonce":"n"`, `"nonce":1`, `"alg":"none"`, `"ALG":"none"`, `"Kid":"x"`, `"typ":"at+jwt"`, `"\u0061lg":"none"`,
		`"iss":"x"`, `"url":"https://x"`, `"ppt":"shaken"`, `"svt":1`, `"a":{"b":1,"b":2}`, `"a":1e400`, `"deep":` + deep(20), `"deep":` + deep(2000),
	}
	members = []string{ // of a payload
		`"iss":"x"`, `"ISS":"x"`, `"Iss":"x"`, `"\u0069ss":"x"`, `"iss":"` + issuer + `"`, `"sub":"x"`, `"Sub":"x"`, `"SUB":1`, `"aud":"x"`, `"Aud":"x"`, `"exp":1`, `"EXP":1`, `"Exp":"x"`,
		`"exp":9999999999`, `"nbf":9999999999`, `"Nbf":9999999999`, `"jti":"x"`, `"jti":1`, `"ſub":"x"`, `"a":{"b":1,"b":2}`, `"a":{"b":{"c":1,"c":1}}`, `"a":1e400`,
		`"a":-0`, `"a":00`, `"a":1.`, `"a":"\ud800"`, "\"a\":\"\xff\"", "\"\xff\":1", `"a":"\u0000"`, `"\u0000":1`, "\"a\":\"\x01\"", `"":1`, `"a":tru`, `"a":undefined`,
		`"deep":` + deep(15), `"deep":` + deep(16), `"deep":` + deep(2000), `"long":"` + strings.Repeat("a", 20_000) + `"`, `"__proto__":{"iss":"x"}`, `"constructor":1`,
	}
)

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// catalogue returns every mutation that has a name by itself, so that no class depends on luck.
func catalogue() []mutation {
	var all []mutation
	each := func(values []string, put func(d *draft, value string)) {
		for _, v := range values {
			all = append(all, func(d *draft) { put(d, v) })
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		each(numbers, func(d *draft, v string) { set(&d.payload, name, v) })
	}
	for _, name := range []string{"iss", "sub", "jti"} {
		each(texts, func(d *draft, v string) { set(&d.payload, name, v) })
	}
	each(audiences, func(d *draft, v string) { set(&d.payload, "aud", v) })
	each(types, func(d *draft, v string) { set(&d.header, "typ", v) })
	each(keyIDs, func(d *draft, v string) { set(&d.header, "kid", v) })
	each(algorithms, func(d *draft, v string) { set(&d.header, "alg", v) })
	each(extra, func(d *draft, v string) { d.header = "{" + v + "," + d.header[1:] })
	each(extra, func(d *draft, v string) { d.header = d.header[:len(d.header)-1] + "," + v + "}" })
	each(members, func(d *draft, v string) { d.payload = "{" + v + "," + d.payload[1:] })
	each(members, func(d *draft, v string) { d.payload = d.payload[:len(d.payload)-1] + "," + v + "}" })
	all = append(all, documents()...)
	all = append(all, signatures()...)
	return append(all, compacts()...)
}

// documents are mutations of a whole JSON document.
func documents() []mutation {
	var all []mutation
	for _, change := range []func(string) string{
		func(s string) string { return " " + s }, func(s string) string { return s + "\n" }, func(s string) string { return s + "x" },
		func(s string) string { return "\ufeff" + s }, func(s string) string { return s + s }, func(s string) string { return s + "\x00" },
		func(s string) string { return "[" + s + "]" }, func(string) string { return "null" }, func(string) string { return "{}" },
		func(string) string { return "" }, func(string) string { return `"text"` }, func(s string) string { return s[:len(s)-1] + ",}" },
		func(s string) string { return strings.ReplaceAll(s, ":", " :\t") }, func(s string) string { return strings.ReplaceAll(s, ",", ",\r\n") },
		func(s string) string { return strings.ReplaceAll(s, ",", "/**/,") }, func(s string) string { return strings.ReplaceAll(s, ",", ",\v") },
		func(s string) string { return s[:len(s)-1] }, func(s string) string { return "// x\n" + s },
	} {
		all = append(all, func(d *draft) { d.payload = change(d.payload) }, func(d *draft) { d.header = change(d.header) })
	}
	return all
}

// signatures are mutations of how a token is signed.
func signatures() []mutation {
	all := []mutation{
		func(d *draft) { d.sign = func(string) []byte { return nil } },
		func(d *draft) { d.sign = func(string) []byte { return make([]byte, 64) } },
		func(d *draft) { d.sign = func(input string) []byte { return append(d.signer.sign(input), 0) } },
		func(d *draft) { d.sign = func(input string) []byte { return d.signer.sign(input)[1:] } },
		func(d *draft) {
			d.sign = func(input string) []byte { return append([]byte{0}, d.signer.sign(input)...) }
		},
		func(d *draft) { d.sign = func(input string) []byte { return d.signer.sign(input + "x") } },
		func(d *draft) { d.sign = func(input string) []byte { return toASN1(d.signer.sign(input)) } },
		func(d *draft) { d.sign = func(input string) []byte { return negated(d.signer, input) } },
		func(d *draft) { set(&d.header, "alg", `"PS256"`); d.sign = d.pss },
		func(d *draft) { d.sign = d.pss },
	}
	for form := range 3 {
		for _, name := range []string{`"HS256"`, `"HS384"`} {
			all = append(all, func(d *draft) {
				set(&d.header, "alg", name)
				d.sign = func(input string) []byte { return d.signer.asSecret(input, form) }
			})
		}
	}
	return append(all, func(d *draft) {
		set(&d.header, "alg", `"none"`)
		d.sign = func(string) []byte { return nil }
	})
}

// toASN1 is how ECDSA is signed elsewhere; JWS wants r and s alone (RFC 7518 §3.4).
func toASN1(signature []byte) []byte {
	half := len(signature) / 2
	out, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])})
	if err != nil {
		panic(err)
	}
	return out
}

// negated is the other ECDSA signature of the same input, r and n-s: a token has two, so a signature is no ID.
func negated(s signer, input string) []byte {
	signature := s.sign(input)
	key, ok := s.private.(*ecdsa.PrivateKey)
	if !ok {
		return signature
	}
	v := new(big.Int).Sub(key.Params().N, new(big.Int).SetBytes(signature[32:]))
	return append(signature[:32:32], v.FillBytes(make([]byte, 32))...)
}

func (d *draft) pss(input string) []byte {
	if _, ok := d.signer.private.(*rsa.PrivateKey); !ok {
		return d.signer.sign(input)
	}
	digest := sha256.Sum256([]byte(input))
	return d.signer.signWith(&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}, digest[:])
}

// compacts are mutations of a token as it travels.
func compacts() []mutation {
	var all []mutation
	add := func(change func(parts []string) string) {
		all = append(all, func(d *draft) {
			d.finish = func(compact string) string { return change(strings.Split(compact, ".")) }
		})
	}
	for i := range 3 {
		for _, after := range []string{"=", "==", "\n", "\r\n", " ", "A", "%3D", "\x00", "é"} {
			add(func(p []string) string { p[i] += after; return strings.Join(p, ".") })
			add(func(p []string) string { p[i] = after + p[i]; return strings.Join(p, ".") })
			add(func(p []string) string { p[i] = p[i][:5] + after + p[i][5:]; return strings.Join(p, ".") })
		}
		add(func(p []string) string { p[i] = standard(p[i]); return strings.Join(p, ".") })
		add(func(p []string) string { p[i] = strayBits(p[i]); return strings.Join(p, ".") })
		add(func(p []string) string { p[i] = ""; return strings.Join(p, ".") })
		add(func(p []string) string { p[i] = p[(i+1)%3]; return strings.Join(p, ".") })
	}
	for _, after := range []string{".", ".x", "..", "~", "\t", ";", ","} {
		add(func(p []string) string { return strings.Join(p, ".") + after })
	}
	add(func(p []string) string { return "." + strings.Join(p, ".") })
	add(func(p []string) string { return "Bearer " + strings.Join(p, ".") })
	add(func(p []string) string { return `"` + strings.Join(p, ".") + `"` })
	add(func(p []string) string { return p[0] + "." + p[1] })
	add(func(p []string) string { return p[0] + ".." + p[2] })
	add(func(p []string) string { return p[1] + "." + p[0] + "." + p[2] })
	add(func(p []string) string {
		return `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`
	})
	add(func([]string) string { return strings.Repeat(".", 10_000) })
	add(func([]string) string { return "" })
	return all
}

// standard writes base64url in the other alphabet, with padding, where the two differ (RFC 4648 §4, §5).
func standard(part string) string {
	return strings.NewReplacer("-", "+", "_", "/").Replace(part) + strings.Repeat("=", -len(part)&3)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// strayBits changes the bits of the last letter that stand for nothing, where there are any.
func strayBits(part string) string {
	if len(part)%4 == 0 || part == "" {
		return part
	}
	at := strings.IndexByte(alphabet, part[len(part)-1])
	return part[:len(part)-1] + alphabet[at^1:at^1+1]
}

// atRandom returns a mutation by luck: of a document, before it is signed, or of a token, after.
func atRandom(chance *rand.Rand, all []mutation) mutation {
	switch chance.IntN(6) {
	case 0:
		first, second := all[chance.IntN(len(all))], all[chance.IntN(len(all))]
		return func(d *draft) {
			defer func() { _ = recover() }() // the second may not find what the first has taken away
			first(d)
			second(d)
		}
	case 1, 2:
		seed := chance.Uint64()
		return func(d *draft) { d.payload = shaken(d.payload, seed) }
	case 3:
		seed := chance.Uint64()
		return func(d *draft) { d.header = shaken(d.header, seed) }
	}
	seed := chance.Uint64()
	return func(d *draft) { d.finish = func(compact string) string { return flipped(compact, seed) } }
}

// shaken removes, doubles or inserts a piece of a document, one to three times.
func shaken(document string, seed uint64) string {
	chance := rand.New(rand.NewPCG(seed, 1))
	for range 1 + chance.IntN(3) {
		if document == "" {
			return document
		}
		from := chance.IntN(len(document))
		to := min(from+1+chance.IntN(8), len(document))
		switch chance.IntN(3) {
		case 0:
			document = document[:from] + document[to:]
		case 1:
			document = document[:to] + document[from:]
		default:
			piece := members[chance.IntN(len(members))]
			document = document[:from] + piece[:min(len(piece), 1+chance.IntN(12))] + document[from:]
		}
	}
	return document
}

// flipped changes one bit of a token, or takes a byte out, or puts one in.
func flipped(compact string, seed uint64) string {
	chance := rand.New(rand.NewPCG(seed, 2))
	at := chance.IntN(len(compact))
	switch chance.IntN(4) {
	case 0:
		return compact[:at] + compact[at+1:]
	case 1:
		return compact[:at] + string(byte(chance.IntN(256))) + compact[at:]
	}
	return compact[:at] + string(compact[at]^1<<chance.IntN(8)) + compact[at+1:]
}
