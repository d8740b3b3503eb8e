// Package script proves what is written about nsc: the contract of the command line, and every command that README.md
// and the guides show.
//
// The scripts in testdata/script run by testscript. Each has its own folder, home and servers, and speaks to nsc as a
// person does: by commands, files, exit statuses and signals. The program is cli.Main of this source, so that the race
// detector sees it where the tests are run with -race.
//
// The pages run as their readers run them. All their ```sh blocks go, in order, through one bash with nothing set but
// HOME and PATH, and stop at the first command that fails; a ```text block that follows is what they print, where `…`
// stands for anything. A ```console block is for systems that a test does not have, and is not run. The program is the
// one that `make build` builds. Addresses on loopback are replaced by free ones in both.
package script
