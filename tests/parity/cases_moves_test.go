package parity_test

// moveExamples are about what registries have, and what goes to and from them.
func moveExamples() []example {
	return []example{
		{"remote.list", root, `{"registry":"cr.example.org","sort":"repository","count":true}`, has(`"total":4`)},
		{"remote.list", alice, `{"registry":"cr.example.org","name":"tor.*","limit":1}`, has(`"cr.example.org/torch"`)},
		{"remote.list", mallory, `{"registry":"cr.example.org"}`, fails("not_found/registry_not_found")},
		{"remote.list", root, `{"registry":"cr.example.org","name":"("}`, fails("invalid/pattern_invalid")},
		{"remote.tags", root, `{"image":"cr.example.org/torch","sizes":true,"count":true}`, has(`"size"`)},
		{"remote.tags", alice, `{"image":"snake"}`, has(`"3.12"`)},
		{"remote.tags", root, `{"image":"cr.example.org/torch:2"}`, fails("invalid/tag_not_allowed")},
		{"remote.tags", mallory, `{"image":"cr.example.org/torch"}`, fails("not_found/registry_not_found")},
		{"remote.digest", alice, `{"image":"snake"}`, has(`"digest":"sha256:`)},
		{"remote.digest", alice, `{"image":"cr.example.org/python:nothing"}`, fails("not_found/image_not_found")},
		{"remote.digest", mallory, `{"image":"cr.example.org/python:3.12"}`, fails("not_found/registry_not_found")},
		{"remote.tag_info", alice, `{"image":"cr.example.org/torch:2","architecture":"arm64"}`, has(`"aarch64"`)},
		{"remote.tag_info", alice, `{"image":"cr.example.org/torch:2","architecture":"s390x"}`, fails("not_found/image_not_found")},
		{"remote.size", alice, `{"image":"snake","architecture":"amd64"}`, has(`"size"`)},
		{"remote.size", root, `{"image":"cr.example.org/python:nothing"}`, fails("not_found/image_not_found")},
		{"remote.remove", root, `{"images":["cr.example.org/old:1"]}`, has(`"removed"`)},
		{"remote.remove", root, `{"images":["cr.example.org/old:1"],"dry_run":true,"force":true}`, has(`"would_remove"`)},
		{"remote.remove", alice, `{"images":["cr.example.org/app:alice","cr.example.org/old:1"]}`, has(`"image_out_of_reach"`)},
		{"remote.remove", root, `{"images":["cr.example.org/app:alice","cr.example.org/old:1"],"digest":"sha256:4b8d1c7f6a53e2094b8d1c7f6a53e2094b8d1c7f6a53e2094b8d1c7f6a53e209"}`, fails("invalid/digest_invalid")},
		{"registry.credential", root, `{"registry":"empty.example.org"}`, has(`"robot"`)},
		{"registry.credential", root, `{"registry":"cr.example.org"}`, fails("precondition/credential_missing")},
		{"registry.credential", alice, `{"registry":"empty.example.org"}`, fails("forbidden/permission_missing")},
		{"image.push", root, `{"local":"tool:1","remote":"cr.example.org/web/tool:1","architecture":"amd64"}`, has(`"cr.example.org/web/tool:1"`)},
		{"image.push", alice, `{"local":"tool:1","remote":"cr.example.org/web/tool:1"}`, has(`"digest":"sha256:`)},
		{"image.push", alice, `{"local":"tool:1","remote":"cr.example.org/python:3.12"}`, fails("forbidden/repository_out_of_reach")},
		{"image.push", root, `{"local":"nothing:1","remote":"cr.example.org/web/tool:1"}`, fails("not_found/image_not_found")},
		{"image.push", root, `{"local":"tool:1","remote":"cr.example.org/web/tool:1","agent_id":"rack-1"}`, fails("precondition/push_unsupported")},
		{"image.push", root, `{"local":"tool:1","remote":"cr.example.org/web/tool:1","background":true}`, fails("invalid/background_store")},
		{"image.pull", alice, `{"remote":"snake","local":"mine:1","architecture":"amd64"}`, has(`"mine:1"`)},
		{"image.pull", alice, `{"remote":"cr.example.org/python:3.12"}`, has(`"python:3.12"`)},
		{"image.pull", alice, `{"remote":"cr.example.org/python:nothing"}`, fails("not_found/image_not_found")},
		{"image.pull", root, `{"remote":"cr.example.org/python:3.12","agent_id":"rack-1","store":"docker"}`, fails("invalid/store_invalid")},
	}
}
