// SPDX-License-Identifier: Apache-2.0
package com.example.shop;

/** The prices of shop-b, wholesale: cheaper, and a longer name costs more. */
final class PriceList {

    int priceOf(String item) {
        return item == null ? 100 : 50 + item.length();
    }
}
