package simulator

import "time"

// The account of SampleUsers that resets others. Everybody there has the same
// TOTP secret.
const (
	SampleBotID      = "resetBot01"
	SampleBotName    = "reset-bot"
	SampleTOTPSecret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA"
)

// The other accounts of SampleUsers.
const (
	SampleAliceID     = "aXk9mQ2tRw7LcE4Zd"
	SampleBobID       = "bT6hJ3vNs8PyG5WoK"
	SampleCarolID     = "cD4rF7uMb2QzX9HiL"
	SampleFederatedID = "fM8wY5eKj3SgV6NpA"
)

// SampleUsers returns a small cast: an account that may reset others and needs
// its second factor for it, three people with both credentials set up, and one
// federated user, whom nobody can reset. The account's personal access token is
// TokenFor(SampleBotID, TokenPAT).
func SampleUsers() []User {
	created := time.Date(2024, 3, 4, 9, 30, 0, 0, time.UTC)
	bot := User{
		ID: SampleBotID, Username: SampleBotName, Name: "Reset Bot", Type: TypeBot,
		Emails:         []Email{{Address: "reset-bot@example.org", Verified: true}},
		Roles:          []string{RoleReset},
		PasswordDigest: PasswordDigest("correct horse battery staple"),
		TOTP:           &TOTP{Enabled: true, Secret: SampleTOTPSecret, BackupHashes: []string{}},
		CreatedAt:      created,
		Tokens:         Tokens(SampleBotID, TokenPAT),
	}
	federated := person(SampleFederatedID, "erin:partner.example", "Erin")
	federated.Federated = true
	federated.Emails = []Email{{Address: "erin@partner.example", Verified: true}}
	return []User{
		bot,
		person(SampleAliceID, "alice", "Alice Martin"),
		person(SampleBobID, "bob", "Bob Okafor"),
		person(SampleCarolID, "carol", "Carol Lindqvist"),
		federated,
	}
}

// person is a user with an authenticator, end-to-end keys and open sessions.
func person(id, username, name string) User {
	return User{
		ID: id, Username: username, Name: name, Type: TypeUser,
		Emails:         []Email{{Address: username + "@example.org", Verified: true}},
		Roles:          []string{"user"},
		PasswordDigest: PasswordDigest(username + "'s password"),
		TOTP:           &TOTP{Enabled: true, Secret: SampleTOTPSecret, BackupHashes: []string{}},
		E2E:            &E2EKeys{PublicKey: "public key of " + username, PrivateKey: "encrypted private key of " + username},
		RoomKeys:       3,
		CreatedAt:      time.Date(2024, 5, 6, 10, 0, 0, 0, time.UTC),
		Tokens:         Tokens(id, TokenSession, TokenPAT),
	}
}
