package spelling

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"listen", "base_url", "data_dir", "database"}
	for word, want := range map[string]string{
		"lisen": "listen", "listne": "listen", "baseurl": "base_url", "databse": "database", "data-dir": "data_dir",
		"verbose": "", "x": "", "": "",
	} {
		got, ok := Nearest(word, known)
		if ok != (want != "") || ok && got != want {
			t.Errorf("Nearest(%q) = %q, %v; want %q", word, got, ok, want)
		}
	}
}
