// Package acme lets nsc get its certificate from a real ACME server: Pebble, the one that Let's Encrypt gives to those who
// write clients, with the small DNS server that comes with it.
//
// Pebble finds nsc.example.com on loopback, asks for the proof there (TLS-ALPN-01; a proof by HTTP or DNS would fail,
// for nobody answers it), and refuses some of the calls at random, as real authorities do. nsc is known to the tests
// only as to its users: a configuration file, the command line and the listener.
package acme
