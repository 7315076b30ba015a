// SPDX-License-Identifier: Apache-2.0
package com.journaldev.spring;

import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

/**
 * The class to edit while the service runs. {@code @PathVariable Long id} names no variable, so Spring
 * reads the parameter's name from the class file: a swap that lost MethodParameters would break it.
 */
@RestController
public class PersonController {

    @GetMapping("/person/{id}")
    public Person person(@PathVariable Long id) {
        if (id < 1) {
            throw new ResponseStatusException(HttpStatus.NOT_FOUND, "no person " + id);
        }
        return new Person(id, "Pankaj");
    }
}
