package simulator

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// Lengths that tell the two kinds of code apart.
const (
	totpLength   = 6
	backupLength = 8
	totpStep     = 30 * time.Second
)

// verifyTOTP checks a code of the authenticator app or a backup code. A code
// may be used any number of times while it lasts.
func (w *Workspace) verifyTOTP(user User, settings Settings, code string) bool {
	if !totpActive(user, settings) || user.TOTP.Secret == "" {
		return false
	}
	length := len([]rune(code))
	if length == backupLength && user.TOTP.BackupHashes != nil {
		return w.useBackupCode(user, code)
	}
	if length != totpLength {
		return false
	}
	sent, ok := leadingInteger(code)
	if !ok {
		return false
	}
	for delta := -settings.MaxDelta; delta <= settings.MaxDelta; delta++ {
		at := w.now().Add(time.Duration(delta) * totpStep)
		right, err := totp.GenerateCode(user.TOTP.Secret, at)
		if err != nil {
			return false
		}
		if number, _ := leadingInteger(right); number == sent {
			return true
		}
	}
	return false
}

// useBackupCode takes a backup code off the user's list.
func (w *Workspace) useBackupCode(user User, code string) bool {
	hash := hexDigest(code)
	if !slices.Contains(user.TOTP.BackupHashes, hash) {
		return false
	}
	w.UpdateUser(user.ID, func(u *User) {
		if u.TOTP != nil {
			u.TOTP.BackupHashes = slices.DeleteFunc(u.TOTP.BackupHashes, func(h string) bool { return h == hash })
		}
	})
	w.ledger.write(func(j *Journal) { j.BackupCodes = append(j.BackupCodes, user.ID) })
	return true
}

// leadingInteger reads a number as the server does: it skips blanks, takes a
// sign, and stops at the first character that is no digit.
func leadingInteger(text string) (int, bool) {
	text = strings.TrimLeft(text, " \t")
	digits := strings.TrimLeft(text, "+-")
	if len(text)-len(digits) > 1 {
		return 0, false
	}
	end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		digits = digits[:end]
	}
	number, err := strconv.Atoi(digits)
	if err != nil {
		return 0, false
	}
	if strings.HasPrefix(text, "-") {
		number = -number
	}
	return number, true
}
