// SPDX-License-Identifier: Apache-2.0
package com.journaldev.spring;

public record Person(Long id, String name) {
}
