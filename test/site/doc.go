// Package site looks at the built documentation with a browser, as its readers do.
package site
