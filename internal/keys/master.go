package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A master key file is one line: this prefix and 32 random bytes in base64.
const (
	masterPrefix  = "nsc-master-key-v1:"
	secretSize    = 32
	maxMasterFile = 1024
)

const sealVersion = 1

// ErrSeal is returned when sealed data does not open: another master key, or a row that was moved or changed.
var ErrSeal = errors.New("keys: sealed data does not open with this master key")

// Master seals private keys with AES-256-GCM. The zero value is unusable.
type Master struct {
	aead cipher.AEAD
	id   [4]byte // of the key, so that data sealed under another one is told apart from damaged data
}

// CreateMaster writes a new master key file, mode 0600, and returns the key. It never replaces a file, and whoever is
// interrupted leaves none or all of it. Once it returns, the file survives a power cut as what is sealed with it will.
func CreateMaster(path string) (Master, error) {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	if err := createWhole(path, masterPrefix+base64.StdEncoding.EncodeToString(secret)+"\n"); err != nil {
		return Master{}, fmt.Errorf("master key: %w", err)
	}
	return newMaster(secret)
}

// createWhole makes the file under another name first: a second name for it, unlike a rename, takes no other file's place.
func createWhole(path, text string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// LoadMaster reads a master key file. A file that others may read is refused: its secret is no longer one.
func LoadMaster(path string) (Master, error) {
	f, err := os.Open(path)
	if err != nil {
		return Master{}, fmt.Errorf("master key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Master{}, fmt.Errorf("master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Master{}, fmt.Errorf("master key: %s may be read by others (mode %04o): chmod 600 it", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxMasterFile+1))
	if err != nil {
		return Master{}, fmt.Errorf("master key: %w", err)
	}
	encoded, ok := strings.CutPrefix(strings.TrimSpace(string(text)), masterPrefix)
	secret, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(secret) != secretSize || len(text) > maxMasterFile {
		return Master{}, fmt.Errorf("master key: %s is not a master key file (one line, %s and 32 bytes in base64)", path, masterPrefix)
	}
	return newMaster(secret)
}

func newMaster(secret []byte) (Master, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return Master{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Master{}, err
	}
	sum := sha256.Sum256(append([]byte("nsc master key id\x00"), secret...))
	return Master{aead, [4]byte(sum[:4])}, nil
}

// Binding is what sealed data belongs to: it opens only as the same (rule 30), so that a row cannot be swapped for
// another.
type Binding struct {
	WorkspaceID string
	Purpose     string
	Algorithm   string
	KeyID       string
}

func (b Binding) bytes() []byte {
	return []byte(strings.Join([]string{"nsc-seal-v1", b.WorkspaceID, b.Purpose, b.Algorithm, b.KeyID}, "\x00"))
}

// Seal encrypts data so that only the same master key and the same binding open it. The form is a version byte, four
// bytes of the master key's ID, the nonce, and the ciphertext.
func (m Master) Seal(b Binding, plain []byte) []byte {
	out := append([]byte{sealVersion}, m.id[:]...)
	nonce := make([]byte, m.aead.NonceSize())
	rand.Read(nonce)
	return m.aead.Seal(append(out, nonce...), nonce, plain, b.bytes())
}

// Open decrypts what Seal made, or returns ErrSeal.
func (m Master) Open(b Binding, sealed []byte) ([]byte, error) {
	head := 1 + len(m.id)
	if len(sealed) < head+m.aead.NonceSize() || sealed[0] != sealVersion || [4]byte(sealed[1:head]) != m.id {
		return nil, ErrSeal
	}
	nonce, ciphertext := sealed[head:head+m.aead.NonceSize()], sealed[head+m.aead.NonceSize():]
	plain, err := m.aead.Open(nil, nonce, ciphertext, b.bytes())
	if err != nil {
		return nil, ErrSeal
	}
	return plain, nil
}

var checkBinding = Binding{Purpose: "installation"}

// Check returns what an installation stores to know its master key by.
func (m Master) Check() []byte { return m.Seal(checkBinding, []byte("nsc")) }

// Fits reports whether the check was made with this master key.
func (m Master) Fits(check []byte) bool {
	_, err := m.Open(checkBinding, check)
	return err == nil
}
