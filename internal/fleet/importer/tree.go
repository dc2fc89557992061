package importer

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// node is a part of the file with anchors, merges and ERB resolved.
type node struct {
	line int
	// isMap tells a mapping from a scalar; other kinds are only refused where
	// they are used.
	isMap, isScalar bool
	text            string
	from            []value // the ERB values in text
	keys            []string
	children        map[string]*node
}

func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	return n.children[key]
}

// scalar returns the text of a key; a fetch without a value is an error here,
// where it is used.
func (n *node) scalar(key string) (string, error) {
	c := n.child(key)
	if c == nil {
		return "", nil
	}
	if !c.isScalar {
		return "", invalid(c.line, "write one value", "%s is not a single value", key)
	}
	for _, v := range c.from {
		if v.missing != "" {
			return "", invalid(v.line, "set it for this command: "+v.missing+"=… shard-admin fleet import", "the variable %s is not set and has no default", v.missing)
		}
	}
	return strings.TrimSpace(c.text), nil
}

// builder turns the syntax tree into nodes. Its budget bounds what aliases may
// unfold to.
type builder struct {
	values  []value
	anchors map[string]*node
	budget  int
}

const (
	mostNodes  = 20000
	mostLevels = 40
)

// read parses the YAML of a template.
func read(t *template) (root *node, err error) {
	// The reader was not written for hostile text.
	defer func() {
		if recover() != nil {
			root, err = nil, invalid(1, "check indentation, quotes and colons", "this is not YAML that can be read")
		}
	}()
	file, err := parser.ParseBytes(t.yaml, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		// The reader's own message quotes the file, which may hold a password.
		line := 1
		var syntax yaml.Error
		if errors.As(err, &syntax) && syntax.GetToken() != nil && syntax.GetToken().Position != nil {
			line = syntax.GetToken().Position.Line
		}
		return nil, invalid(line, "check indentation, quotes, colons and names that stand twice", "this is not valid YAML")
	}
	b := &builder{values: t.values, anchors: map[string]*node{}, budget: mostNodes}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if _, ok := d.Body.(*ast.CommentGroupNode); ok {
			continue
		}
		if root != nil {
			return nil, invalid(line(d.Body), "keep one document", "a second YAML document begins")
		}
		if root, err = b.node(d.Body, 0); err != nil {
			return nil, err
		}
	}
	if root == nil {
		return nil, invalid(1, "give the application's config/database.yml", "the file is empty")
	}
	return root, nil
}

func line(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 1
	}
	return n.GetToken().Position.Line
}

func (b *builder) node(n ast.Node, level int) (*node, error) {
	b.budget--
	if b.budget < 0 || level > mostLevels {
		return nil, invalid(line(n), "give the application's config/database.yml", "the file unfolds to more than a database.yml can hold")
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		out, err := b.node(n.Value, level+1)
		if err == nil {
			b.anchors[name(n.Name)] = out
		}
		return out, err
	case *ast.AliasNode:
		to, ok := b.anchors[name(n.Value)]
		if !ok {
			return nil, invalid(line(n), "write the anchor (&name) above", "the alias has no anchor above it")
		}
		// Shared, and never changed: it costs what it holds.
		b.budget -= len(to.keys)
		return to, nil
	case *ast.TagNode:
		return b.node(n.Value, level+1)
	case *ast.MappingNode:
		return b.mapping(n, n.Values, level)
	case *ast.MappingValueNode:
		return b.mapping(n, []*ast.MappingValueNode{n}, level)
	case *ast.LiteralNode:
		return b.text(n, n.Value.Value), nil
	case *ast.NullNode:
		return &node{line: line(n), isScalar: true}, nil
	case *ast.StringNode:
		return b.text(n, n.Value), nil
	case ast.ScalarNode:
		// Numbers and booleans are wanted as they were written.
		return b.text(n, n.GetToken().Value), nil
	case nil:
		return &node{line: 1, isScalar: true}, nil
	}
	return &node{line: line(n)}, nil
}

func name(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}

func (b *builder) mapping(at ast.Node, pairs []*ast.MappingValueNode, level int) (*node, error) {
	out := &node{line: line(at), isMap: true, children: map[string]*node{}}
	own := map[string]bool{}
	put := func(k string, v *node) {
		if out.children[k] == nil {
			out.keys = append(out.keys, k)
		}
		out.children[k] = v
	}
	if len(pairs) > 0 {
		out.line = line(pairs[0].Key)
	}
	for _, p := range pairs {
		if p.Key.IsMergeKey() {
			list := []ast.Node{p.Value}
			if s, ok := p.Value.(*ast.SequenceNode); ok {
				list = slices.Clone(s.Values)
				slices.Reverse(list) // the first of a list wins
			}
			// As Ruby has it, a merge wins over what stands above it.
			for _, n := range list {
				v, err := b.node(n, level+1)
				if err != nil {
					return nil, err
				}
				if !v.isMap {
					return nil, invalid(line(p.Key), "merge an anchor: <<: *name", "what is merged is not a mapping")
				}
				for _, k := range v.keys {
					put(k, v.children[k])
				}
			}
			continue
		}
		v, err := b.node(p.Value, level+1)
		if err != nil {
			return nil, err
		}
		k := p.Key.GetToken().Value
		if strings.ContainsRune(k, markOpen) {
			return nil, invalid(line(p.Key), "write the name out", "a name is made by ERB")
		}
		if own[k] {
			return nil, invalid(line(p.Key), "keep one of them", "%s stands twice", k)
		}
		own[k] = true
		v2 := *v // an alias has the line of its use
		v2.line = line(p.Key)
		put(k, &v2)
	}
	return out, nil
}

// text puts ERB's values back into a scalar.
func (b *builder) text(n ast.Node, s string) *node {
	out := &node{line: line(n), isScalar: true}
	for {
		i := strings.IndexRune(s, markOpen)
		if i < 0 {
			break
		}
		j := strings.IndexRune(s, markClose)
		if j < i {
			break
		}
		v, err := strconv.Atoi(s[i+len(string(markOpen)) : j])
		if err != nil || v >= len(b.values) {
			break
		}
		out.from = append(out.from, b.values[v])
		out.text += s[:i] + b.values[v].text
		s = s[j+len(string(markClose)):]
	}
	out.text += s
	return out
}
