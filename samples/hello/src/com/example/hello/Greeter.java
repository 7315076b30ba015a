// SPDX-License-Identifier: Apache-2.0
package com.example.hello;

/** The class to edit while the program runs. */
public final class Greeter {

    public String greet(String name) {
        return "Hello, " + name + "!";
    }
}
