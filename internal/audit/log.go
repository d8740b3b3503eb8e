package audit

import "golang.org/x/mod/sumdb/tlog"

// LogHead is where a workspace's log stands.
type LogHead struct {
	WorkspaceID string
	Workspace   string // its name
	Size        int64
	Root        tlog.Hash
	SignedSize  int64  // of the newest checkpoint; 0 for none
	Checkpoint  string // a signed note; "" for none
}

// Logged is an event's place in its workspace's log. Of an erased event the leaf is all that is left.
type Logged struct {
	Index int64
	ID    string
	Leaf  tlog.Hash
	Entry Entry // zero where it was erased
}

// Erased reports whether the event's body is gone.
func (l Logged) Erased() bool { return l.Entry.ID == "" }

// Cosignature is the newest word of one witness on a workspace's log.
type Cosignature struct {
	WorkspaceID string
	Witness     string // name and hash of its key
	Size        int64  // of the checkpoint
	Checkpoint  string // a note, signed by the log's key alone
	Line        string // the witness's signature line below it
}
