package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/nsc-federation/nsc/internal/audit"
	"github.com/nsc-federation/nsc/internal/id"
)

// The binary form of events. A frame is what one transaction recorded:
//
//	frame = version, number of entries, { length of entry, entry }
//	entry = version, ID (16 bytes), workspace ID (16 bytes), generation, time, kind, subject, token ID,
//	        number of links, { trust ID, or "jti:" and the ID of a parent token, or "act:" and the subject of an actor },
//	        salt (16 bytes), body (the rest)
//
// Versions are a byte; numbers, lengths and times (microseconds) are variable-length integers of encoding/binary; texts
// have their length before them. An entry moves from its frame into its row byte for byte.
const (
	frameVersion = 1
	entryVersion = 1
)

// What begins the links that are none to a trust, whose ID has no colon. An earlier release, which may run beside this one,
// takes those to actors for trusts, and makes of them the same rows.
const (
	parentLink = "jti:"
	actorLink  = "act:"
)

const (
	atID        = 1
	atWorkspace = atID + id.Size
	atRest      = atWorkspace + id.Size
)

var errDamaged = errors.New("the record is damaged")

// key is a binary ID.
type key = [id.Size]byte

// draft is an entry that is to be recorded, with its IDs in binary.
type draft struct {
	*audit.Entry
	id, workspace key
}

// drafts returns ErrInvalid for an entry whose IDs or kind are none: those are never a stranger's.
func drafts(entries []audit.Entry) ([]draft, error) {
	list := make([]draft, len(entries))
	for i := range entries {
		e := &entries[i]
		list[i].Entry = e
		err := decodeID(&list[i].id, e.ID)
		if i > 0 && e.WorkspaceID == entries[i-1].WorkspaceID {
			list[i].workspace = list[i-1].workspace
		} else {
			err = errors.Join(err, decodeID(&list[i].workspace, e.WorkspaceID))
		}
		err = errors.Join(err, indexable(string(e.Kind)))
		if err != nil {
			return nil, fmt.Errorf("event %q of workspace %q: %w", e.ID, e.WorkspaceID, err)
		}
	}
	return list, nil
}

func decodeID(k *key, text string) (err error) {
	if *k, err = id.Bytes(text); err != nil {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return err
}

// appendFrame appends the frame of entries.
func appendFrame(dst []byte, entries []draft) []byte {
	dst = append(dst, frameVersion)
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for i := range entries {
		dst = appendEntry(dst, &entries[i])
	}
	return dst
}

func appendEntry(dst []byte, e *draft) []byte {
	dst = binary.AppendUvarint(dst, uint64(entrySize(e.Entry)))
	dst = append(dst, entryVersion)
	dst = append(dst, e.id[:]...)
	dst = append(dst, e.workspace[:]...)
	dst = binary.AppendVarint(dst, e.Generation)
	dst = binary.AppendVarint(dst, micros(e.Time))
	dst = appendText(dst, string(e.Kind))
	dst = appendText(dst, e.Subject)
	dst = appendText(dst, e.TokenID)
	dst = binary.AppendUvarint(dst, uint64(len(e.Trusts)+len(e.Parents)+len(e.Actors)))
	for _, t := range e.Trusts {
		dst = appendText(dst, t)
	}
	for _, p := range e.Parents {
		dst = appendLink(dst, parentLink, p)
	}
	for _, a := range e.Actors {
		dst = appendLink(dst, actorLink, a)
	}
	dst = append(dst, e.Salt[:]...)
	return append(dst, e.Body...)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendLink(dst []byte, prefix, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(prefix)+len(s)))
	return append(append(dst, prefix...), s...)
}

// entrySize is the number of bytes of an entry.
func entrySize(e *audit.Entry) int {
	n := atRest + varintSize(e.Generation) + varintSize(micros(e.Time)) +
		textSize(string(e.Kind)) + textSize(e.Subject) + textSize(e.TokenID) +
		uvarintSize(uint64(len(e.Trusts)+len(e.Parents)+len(e.Actors)))
	for _, t := range e.Trusts {
		n += textSize(t)
	}
	for _, p := range e.Parents {
		n += linkSize(parentLink, p)
	}
	for _, a := range e.Actors {
		n += linkSize(actorLink, a)
	}
	return n + len(e.Salt) + len(e.Body)
}

func textSize(s string) int { return uvarintSize(uint64(len(s))) + len(s) }

func linkSize(prefix, s string) int {
	return uvarintSize(uint64(len(prefix)+len(s))) + len(prefix) + len(s)
}

func varintSize(v int64) int { return uvarintSize(uint64(v)<<1 ^ uint64(v>>63)) }

func uvarintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// splitFrame returns the entries of a frame, undecoded, as parts of it.
func splitFrame(frame []byte) ([][]byte, error) {
	d := decoder{rest: frame}
	if v := d.byte(); v != frameVersion && !d.failed {
		return nil, fmt.Errorf("%w: a frame of version %d", errDamaged, v)
	}
	entries := make([][]byte, 0, d.count(1+atRest))
	for range cap(entries) {
		entry := d.take(d.count(1))
		if len(entry) < atRest {
			d.failed = true
			break
		}
		entries = append(entries, entry)
	}
	if d.failed || len(d.rest) > 0 {
		return nil, fmt.Errorf("%w: a frame", errDamaged)
	}
	return entries, nil
}

// decodeEntry returns an entry. Its body is a part of the encoding.
func decodeEntry(encoded []byte) (audit.Entry, error) {
	d := decoder{rest: encoded}
	if v := d.byte(); v != entryVersion && !d.failed {
		return audit.Entry{}, fmt.Errorf("%w: an entry of version %d", errDamaged, v)
	}
	var e audit.Entry
	e.ID, e.WorkspaceID = id.Text(d.key()), id.Text(d.key())
	e.Generation = d.varint()
	e.Time = moment(d.varint())
	e.Kind, e.Subject, e.TokenID = audit.Kind(d.text()), d.text(), d.text()
	for range d.count(1) {
		addLink(&e, d.text())
	}
	e.Salt = d.key()
	e.Body = d.rest
	if d.failed {
		return audit.Entry{}, fmt.Errorf("%w: an entry", errDamaged)
	}
	return e, nil
}

func addLink(e *audit.Entry, link string) {
	if parent, ok := strings.CutPrefix(link, parentLink); ok {
		e.Parents = append(e.Parents, parent)
	} else if actor, ok := strings.CutPrefix(link, actorLink); ok {
		e.Actors = append(e.Actors, actor)
	} else {
		e.Trusts = append(e.Trusts, link)
	}
}

// decoder reads what may be damaged. After its first failure it returns zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if d.failed || n > len(d.rest) {
		d.failed = true
		return nil
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); !d.failed {
		return b[0]
	}
	return 0
}

func (d *decoder) key() (k key) {
	copy(k[:], d.take(len(k)))
	return k
}

func (d *decoder) text() string { return string(d.take(d.count(1))) }

// count reads a number of things that take at least size bytes each, and fails where so many cannot follow.
func (d *decoder) count(size int) int {
	v, n := binary.Uvarint(d.rest)
	if d.failed || n <= 0 || v > uint64(len(d.rest)-n)/uint64(size) {
		d.failed = true
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if d.failed || n <= 0 {
		d.failed = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}
