// Program systems reads this module as other systems compile it and says what does not
// fit: a name or a type that is not there. It compiles nothing, which takes seconds where
// every dependency of every system compiled anew takes minutes.
//
//	go run ./build/systems [-tests] [-tags headless] GOOS/GOARCH…
package main

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	tags := flag.String("tags", "headless", "build tags")
	tests := flag.Bool("tests", false, "read the tests too")
	flag.Parse()
	status := 0
	for _, system := range flag.Args() {
		n, err := read(system, *tags, *tests)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", system, err)
			status = 1
			continue
		}
		fmt.Printf("%s: %d packages\n", system, n)
	}
	os.Exit(status)
}

// read checks the types of every package of the module on a system and says how many
// there are.
func read(system, tags string, tests bool) (int, error) {
	goos, goarch, ok := strings.Cut(system, "/")
	if !ok {
		return 0, errors.New("a system is named GOOS/GOARCH")
	}
	where, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		return 0, fmt.Errorf("ask go where others' files are: %w", err)
	}
	others := strings.Split(strings.TrimSpace(string(where)), "\n")
	theirs := func(file string) bool {
		return slices.ContainsFunc(others, func(dir string) bool { return strings.HasPrefix(file, dir+string(filepath.Separator)) })
	}
	list, err := packages.Load(&packages.Config{
		Mode:       packages.NeedName | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedTypesSizes | packages.NeedModule,
		Env:        append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
		BuildFlags: []string{"-tags=" + tags},
		Tests:      tests,
		ParseFile: func(fset *token.FileSet, file string, src []byte) (*ast.File, error) {
			f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
			if f == nil || !theirs(file) {
				return f, err
			}
			// What others' functions do is theirs.
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					fn.Body = nil
				}
			}
			return f, err
		},
	}, "./...")
	if err != nil {
		return 0, err
	}
	var found []error
	n := 0
	for _, p := range list {
		if len(p.CompiledGoFiles) > 0 {
			n++
		}
		for _, e := range p.Errors {
			found = append(found, e)
		}
	}
	if n == 0 {
		found = append(found, errors.New("no package was read"))
	}
	return n, errors.Join(found...)
}
