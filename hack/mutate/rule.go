package main

// rules are mutations of what the API server refuses, whoever asks.
func rules() []mutation {
	const (
		records  = "config/crd/bases/credentialreset.dev_resetrecords.yaml"
		requests = "config/crd/bases/credentialreset.dev_usercredentialresets.yaml"
	)
	asked := tests{
		pkg:         "test/api",
		run:         "^Test(AttemptsAreAppendedAfterProof|AttemptsStayWhereTheyAre|AnAttemptIsWrittenOnce|IdentityOfARecordIsFrozen|SpecOfARequestIsImmutable|OutcomeStays)$",
		hasChildren: true,
	}
	return []mutation{
		{
			"an attempt may be appended after a loss", onePost, records,
			`o.result in ['NotSent', 'Refused'] &&`, `o.result in ['NotSent', 'Refused', 'Unconfirmed'] &&`, asked,
		},
		{
			"two attempts may be appended at a time", onePost, records,
			`size(self) <= size(oldSelf) + 1`, `size(self) <= size(oldSelf) + 2`, asked,
		},
		{
			"an attempt may be removed", onePost, records,
			`oldSelf.all(o, self.exists(n, n.id == o.id))`, `oldSelf.all(o, self.exists(n, n.id == o.id || n.id == self[0].id))`, asked,
		},
		{
			"a result may be written twice", onePost, records,
			`'!has(oldSelf.result) || (has(self.result) && self.result ==
                  oldSelf.result &&`, `'!has(oldSelf.result) || (has(self.result) && oldSelf.result ==
                  oldSelf.result &&`, asked,
		},
		{
			"the target of a record may change", pinned, records,
			`            - message: target is frozen
              reason: FieldValueForbidden
              rule: self == oldSelf`, `            - message: target is frozen
              reason: FieldValueForbidden
              rule: self.username == oldSelf.username`, asked,
		},
		{
			"the spec of a request may change", pinned, requests,
			`              rule: self == oldSelf`, `              rule: self.type == oldSelf.type`, asked,
		},
		{
			"an outcome may be taken back", finishedFree, requests,
			`'!has(oldSelf.outcome) || has(self.outcome) && (`, `'!has(oldSelf.outcome) || !has(self.outcome) || (`, asked,
		},
	}
}
