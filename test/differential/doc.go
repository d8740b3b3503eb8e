// Package differential holds our verifier against three others.
//
// Ten thousand tokens, damaged in every way that a table knows and then at random, go through the public verifier of nsc
// (and so through internal/jwt, which the server uses as well), go-jose, golang-jwt and jose for JavaScript, each set up
// as its documentation says for one issuer, one audience and one key set. Nothing that we accept is refused by all
// others, and every other difference falls into a class that explained_test.go names, with the reason and the section of
// the RFC. A difference that nobody has explained fails the test, and so does an explanation of what no longer happens.
//
// internal/jwt has a test of the same kind about the form of tokens alone; this one is about the whole verdict.
package differential
