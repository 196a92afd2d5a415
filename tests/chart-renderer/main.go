// Renders a Helm chart with Go's own template engine, as Helm does, for tests on machines that have no Helm.
//
//	chart-renderer chart DIRECTORY RELEASE NAMESPACE [-f VALUES.yaml]...       the rendered YAML
//	chart-renderer notes DIRECTORY RELEASE NAMESPACE [-f VALUES.yaml]...       what a person is told after an install
//	chart-renderer manifests DIRECTORY RELEASE NAMESPACE [-f VALUES.yaml]...   the same for kubectl: without what only Helm wants
//	chart-renderer json FILE.yaml                                             a JSON list of the documents
//	chart-renderer values DIRECTORY [-f VALUES.yaml]...                       the merged values as JSON
//
// What Helm adds to sprig is here as far as our chart uses it, or might. Numbers are what they are in Helm: floating. The cluster's Kubernetes is that of
// KUBE_VERSION.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v2"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("what to do is missing: chart, notes, manifests, json or values")
	}
	switch arguments[0] {
	case "json":
		return printJSON(arguments[1])
	case "values":
		values, err := readValues(arguments[1], arguments[2:])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(values)
	case "chart", "notes", "manifests":
		documents, notes, err := render(arguments[1], arguments[2], arguments[3], arguments[4:])
		if err != nil {
			return err
		}
		text := strings.Join(documents, "")
		switch arguments[0] {
		case "notes":
			text = notes
		case "manifests":
			text = forKubectl(documents)
		}
		_, err = os.Stdout.WriteString(text)
		return err
	}
	return fmt.Errorf("unknown: %s", arguments[0])
}

// kubectl makes one after the other: what others lie in comes first. And nobody may take it for Helm's.
func forKubectl(documents []string) string {
	sort.SliceStable(documents, func(left, right int) bool { return isNamespace(documents[left]) && !isNamespace(documents[right]) })
	lines := []string{"# Made from helm/lamina by 'make manifests'; not to be edited."}
	for _, line := range strings.Split(strings.TrimSuffix(strings.Join(documents, ""), "\n"), "\n") {
		if !strings.Contains(line, "app.kubernetes.io/managed-by: Helm") && !strings.Contains(line, "helm.sh/chart:") && !strings.HasPrefix(line, "# Source: ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func isNamespace(document string) bool { return strings.Contains(document, "\nkind: Namespace\n") }

func render(directory, release, namespace string, files []string) ([]string, string, error) {
	values, err := readValues(directory, files)
	if err != nil {
		return nil, "", err
	}
	chart, err := readYAML(filepath.Join(directory, "Chart.yaml"))
	if err != nil {
		return nil, "", err
	}
	version := os.Getenv("KUBE_VERSION")
	if version == "" {
		version = "v1.34.0"
	}
	data := map[string]interface{}{
		"Values":       values,
		"Chart":        map[string]interface{}{"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
		"Release":      map[string]interface{}{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Capabilities": map[string]interface{}{"KubeVersion": map[string]interface{}{"Version": version}},
		"Files":        chartFiles(directory),
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	names, err := filepath.Glob(filepath.Join(directory, "templates", "*"))
	if err != nil {
		return nil, "", err
	}
	sort.Strings(names)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, "", err
		}
		if _, err := all.New(templateName(name)).Parse(string(text)); err != nil {
			return nil, "", err
		}
	}
	var out []string
	var notes string
	for _, name := range names {
		if strings.HasPrefix(filepath.Base(name), "_") {
			continue
		}
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, templateName(name), data); err != nil {
			return nil, "", err
		}
		body := strings.ReplaceAll(text.String(), "<no value>", "")
		if filepath.Ext(name) != ".yaml" {
			// Rendered always, so that a mistake in them is seen; and no manifest.
			notes = body
			continue
		}
		for _, document := range strings.Split("\n"+body, "\n---\n") {
			if document = strings.Trim(document, "\n"); document != "" {
				out = append(out, fmt.Sprintf("---\n# Source: lamina/%s\n%s\n", templateName(name), document))
			}
		}
	}
	return out, notes, nil
}

// The files of a chart that are no templates.
type chartFiles string

// As Helm's: what is not there is empty.
func (directory chartFiles) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(string(directory), filepath.FromSlash(name)))
	if err != nil {
		return ""
	}
	return string(text)
}

func templateName(path string) string { return "templates/" + filepath.Base(path) }

func functions(all *template.Template) template.FuncMap {
	functions := sprig.TxtFuncMap()
	// As in Helm: the place where it is rendered is no business of a chart.
	delete(functions, "env")
	delete(functions, "expandenv")
	include := func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := all.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	functions["include"] = include
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	functions["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(whole(value))
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions["fromYamlArray"] = func(text string) (interface{}, error) {
		var value interface{}
		err := yaml.UnmarshalStrict([]byte(text), &value)
		return plain(value), err
	}
	return functions
}

// Values as Helm merges them: objects by key, everything else as a whole, and null takes a default away.
func readValues(directory string, files []string) (map[string]interface{}, error) {
	values, err := readYAML(filepath.Join(directory, "values.yaml"))
	if err != nil {
		return nil, err
	}
	for index := 0; index < len(files); index += 2 {
		if files[index] != "-f" || index+1 == len(files) {
			return nil, fmt.Errorf("not understood: %v", files[index:])
		}
		over, err := readYAML(files[index+1])
		if err != nil {
			return nil, err
		}
		merge(values, over)
	}
	return values, nil
}

func merge(values, over map[string]interface{}) {
	for key, value := range over {
		inner, isObject := value.(map[string]interface{})
		known, wasObject := values[key].(map[string]interface{})
		switch {
		case value == nil:
			delete(values, key)
		case isObject && wasObject:
			merge(known, inner)
		default:
			values[key] = value
		}
	}
}

func readYAML(path string) (map[string]interface{}, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var value interface{}
	if err := yaml.UnmarshalStrict(text, &value); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	object, isObject := plain(value).(map[string]interface{})
	if !isObject {
		return nil, fmt.Errorf("%s is not an object", path)
	}
	return object, nil
}

func printJSON(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := []interface{}{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	// Keys that come twice are errors.
	decoder.SetStrict(true)
	for {
		var value interface{}
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return json.NewEncoder(os.Stdout).Encode(documents)
		}
		if err != nil {
			return err
		}
		if value != nil {
			documents = append(documents, plain(value))
		}
	}
}

// As it comes out of JSON: keys are texts, numbers floating.
func plain(value interface{}) interface{} {
	switch value := value.(type) {
	case map[interface{}]interface{}:
		object := map[string]interface{}{}
		for key, inner := range value {
			object[fmt.Sprint(key)] = plain(inner)
		}
		return object
	case []interface{}:
		for index := range value {
			value[index] = plain(value[index])
		}
		return value
	case int:
		return float64(value)
	default:
		return value
	}
}

// Numbers without a fraction are written without one.
func whole(value interface{}) interface{} {
	switch value := value.(type) {
	case map[string]interface{}:
		object := map[string]interface{}{}
		for key, inner := range value {
			object[key] = whole(inner)
		}
		return object
	case []interface{}:
		list := make([]interface{}, len(value))
		for index := range value {
			list[index] = whole(value[index])
		}
		return list
	case float64:
		if value == float64(int64(value)) {
			return int64(value)
		}
		return value
	default:
		return value
	}
}
