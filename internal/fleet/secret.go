package fleet

import (
	"bytes"
	"strconv"

	"github.com/pelletier/go-toml/v2"
)

// WithoutSecrets takes out of a fleet file the passwords that its URLs hold for a
// credential, and leaves every other byte of it as it is. Taken is false where there
// is none, or none that can be found by its text.
func WithoutSecrets(data []byte, cred string) (clean []byte, taken bool) {
	var m fileModel
	if toml.Unmarshal(data, &m) != nil {
		return data, false
	}
	f := &Fleet{Credential: m.Credential}
	urls := []string{}
	if credentialName(f, ControlName, m.Control.Credential) == cred {
		urls = append(urls, m.Control.URL, m.Control.Direct)
	}
	for _, s := range m.Shards {
		if s.Database == "" && credentialName(f, s.Name, s.Credential) == cred {
			urls = append(urls, s.URL, s.Direct)
		}
	}
	clean = data
	for _, u := range urls {
		without, c, err := SplitSecret(u)
		if err != nil || c.Password.Empty() {
			continue
		}
		for _, quoted := range []string{strconv.Quote(u), "'" + u + "'"} {
			if bytes.Contains(clean, []byte(quoted)) {
				clean, taken = bytes.ReplaceAll(clean, []byte(quoted), []byte(strconv.Quote(without))), true
			}
		}
	}
	return clean, taken
}
