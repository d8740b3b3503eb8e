package jwt

import (
	"strings"
	"testing"
)

func TestSeconds(t *testing.T) {
	for literal, want := range map[string]int64{
		"0": 0, "-0": 0, "7": 7, "-7": -7, "1.999": 1, "-1.999": -1, "0.5": 0, "-0.5": 0,
		"1e3": 1000, "1E+3": 1000, "1.2345e2": 123, "12345e-2": 123, "1e-9": 0, "123e-3": 0, "0.000123e6": 123,
		"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63, "9.223372036854775807e18": 1<<63 - 1,
		"0e99": 0, "1e18": 1e18, "1.7e9": 1700000000,
		"1." + strings.Repeat("9", 9000): 1,
	} {
		if got, ok := seconds(literal); !ok || got != want {
			t.Errorf("%.40s: got %d, %v, want %d", literal, got, ok, want)
		}
	}
	for _, literal := range []string{
		"9223372036854775808", "-9223372036854775809", "9223372036854775808.0", "92233720368547758070", "1e19", "-1e19",
		"1e127", "1e128", "1e-129", "1e999999999999999999999", strings.Repeat("9", 9000),
	} {
		if got, ok := seconds(literal); ok {
			t.Errorf("%.40s: accepted as %d", literal, got)
		}
	}
}
