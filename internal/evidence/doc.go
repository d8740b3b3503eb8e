// Package evidence says what a workspace's log proves, and to whom: the leaves of its Merkle tree (rule 25), the
// checkpoints that are signed of it (rule 27), the file that an export is, and what can be shown of that file by somebody
// who has nothing else.
//
// The tree is RFC 6962's, as package tlog has it, so that other people's tools can read it; a checkpoint is a C2SP
// tlog-checkpoint, a signed note of three lines. Verification trusts nothing in the file: it makes every leaf and the
// root anew, and holds them against checkpoints, those that witnesses cosigned (C2SP tlog-cosignature) among them, and
// against an older export. What it could not prove it says.
//
// The package does not know a database, a server, or what an event means. The command line and the server both use it.
package evidence
