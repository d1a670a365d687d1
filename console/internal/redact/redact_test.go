package redact

import (
	"testing"
)

func TestValue(t *testing.T) {
	for name, secret := range map[string]bool{
		"AWS_SECRET_ACCESS_KEY": true, "DB_PASSWORD": true, "PGPASSWORD": true, "GITHUB_PAT": true, "apiKey": true,
		"PATH": false, "PWD": false, "OLDPWD": false, "SSH_AUTH_SOCK": false, "HOME": false, "SHELL": false,
	} {
		if masked := Value(name, "value") == Mask; masked != secret {
			t.Errorf("%s masked: %v", name, masked)
		}
	}
	for value, want := range map[string]string{
		"Server=x;Password=hush;Port=1":     "Server=x;Password=****;Port=1",
		"https://h/p?user=u&api_key=hush&a": "https://h/p?user=u&api_key=****&a",
		"authorization=Bearer hush,x=y":     "authorization=Bearer ****",
		"keyboard=us; basics":               "keyboard=us; basics",
	} {
		if got := Value("X", value); got != want {
			t.Errorf("%s became %s", value, got)
		}
	}
}
