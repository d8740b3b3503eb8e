// Package audit records what happens in nsc, before it happens.
//
// The invariant: the intent to issue a token is durable before its signature exists. A crash can leave a recorded token
// that nobody got; it can never leave a token that nobody recorded. Intent returns a Receipt, and nothing but a Receipt
// can be signed (package keys); Note records everything else and returns none.
//
// Events reach the store through a group committer (Recorder) as one queue row per transaction; the Sequencer, on one
// node at a time, unpacks the queue into indexed rows within a second. Each event has a canonical encoding and a salt, so
// that its hash can be a leaf of the workspace's log while its body may be erased (rules 24 to 27).
//
// The package does not know SQL, HTTP, or what makes a token acceptable.
package audit
