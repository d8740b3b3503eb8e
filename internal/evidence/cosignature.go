package evidence

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// WitnessKey is what a witness's cosignatures are verified with: an Ed25519 key of C2SP tlog-cosignature, whose form is
// that of signed-note. It is a note.Verifier.
type WitnessKey struct {
	name   string
	hash   uint32
	public [ed25519.PublicKeySize]byte
}

// The types of key that a verifier key may name in its first byte (C2SP signed-note).
const (
	keyOfLog              = 0x01 // Ed25519, which signs the note as it is
	keyOfWitness          = 0x04 // Ed25519, which signs cosignature/v1
	keyOfPostQuantum      = 0x06 // ML-DSA-44
	longestWitnessName    = 255  // bytes
	cosignatureTime       = 8    // bytes before the signature
	cosignatureSize       = cosignatureTime + ed25519.SignatureSize
	latestCosignatureTime = 253402300799 // the end of the year 9999: later ones are no times that can be written down
)

var (
	errWitnessForm        = errors.New("is not a verifier key like witness.example.com+1a2b3c4d+B…")
	errWitnessHash        = errors.New("is not whole: its hash is of another name or key")
	errWitnessIsLog       = errors.New("is the key of a log, not of a witness: a witness's has the algorithm 0x04 (cosignature/v1), and begins with B after the second +")
	errWitnessPostQuantum = errors.New("is an ML-DSA-44 key, which this program cannot verify with: take the witness's Ed25519 key (algorithm 0x04)")
	errWitnessAlgorithm   = errors.New("has an algorithm that this program does not know: a witness's is 0x04 (cosignature/v1 by Ed25519)")
)

// ParseWitnessKey reads a verifier key. Its errors go on a sentence that begins with the key.
func ParseWitnessKey(vkey string) (WitnessKey, error) {
	parts := strings.SplitN(vkey, "+", 3) // base64 has pluses, too
	if len(parts) < 3 {
		return WitnessKey{}, errWitnessForm
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	key, err2 := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || err2 != nil || len(parts[1]) != 8 || !isWitnessName(parts[0]) || len(key) == 0 {
		return WitnessKey{}, errWitnessForm
	}
	if uint32(hash) != keyHash(parts[0], key) {
		return WitnessKey{}, errWitnessHash
	}
	switch {
	case key[0] == keyOfLog:
		return WitnessKey{}, errWitnessIsLog
	case key[0] == keyOfPostQuantum:
		return WitnessKey{}, errWitnessPostQuantum
	case key[0] != keyOfWitness:
		return WitnessKey{}, errWitnessAlgorithm
	case len(key) != 1+ed25519.PublicKeySize:
		return WitnessKey{}, errWitnessForm
	}
	return WitnessKey{parts[0], uint32(hash), [ed25519.PublicKeySize]byte(key[1:])}, nil
}

// isWitnessName is stricter than signed-note, which forbids spaces and pluses: names are shown to people.
func isWitnessName(name string) bool {
	strange := func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
	return name != "" && len(name) <= longestWitnessName && utf8.ValidString(name) && strings.IndexFunc(name, strange) < 0
}

func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

// Name returns the witness's name.
func (k WitnessKey) Name() string { return k.name }

// KeyHash returns what tells the key from others of the same name.
func (k WitnessKey) KeyHash() uint32 { return k.hash }

// ID returns name and hash, which together are one key's alone.
func (k WitnessKey) ID() string { return fmt.Sprintf("%s+%08x", k.name, k.hash) }

// Verify reports whether sig is a cosignature of a checkpoint's text: a time, and a signature of both.
func (k WitnessKey) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return 0 < seconds && seconds <= latestCosignatureTime &&
		ed25519.Verify(k.public[:], cosignedMessage(seconds, text), sig[cosignatureTime:])
}

// cosignedMessage returns what a witness signs (C2SP tlog-cosignature, Ed25519 signed message).
func cosignedMessage(seconds uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", seconds), text...)
}

// vouch is the word of one witness on a checkpoint.
type vouch struct {
	witness WitnessKey
	at      time.Time
	line    string // as it stands below the checkpoint
}

// vouches returns who of some witnesses cosigned a note, and an error for a signature that is not what it says.
func vouches(signed string, keys []WitnessKey) (text string, list []vouch, err error) {
	verifiers := make([]note.Verifier, len(keys))
	for i, k := range keys {
		verifiers[i] = k
	}
	n, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	var none *note.UnverifiedNoteError
	if errors.As(err, &none) {
		return none.Note.Text, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	for _, s := range n.Sigs {
		for _, k := range keys {
			if k.name == s.Name && k.hash == s.Hash {
				list = append(list, vouch{k, cosignedAt(s), signatureLine + s.Name + " " + s.Base64 + "\n"})
			}
		}
	}
	return n.Text, list, nil
}

// cosignedAt returns the time of a cosignature that was verified.
func cosignedAt(s note.Signature) time.Time {
	sig, _ := base64.StdEncoding.DecodeString(s.Base64) // note.Open has decoded it
	return time.Unix(int64(binary.BigEndian.Uint64(sig[4:])), 0).UTC()
}
