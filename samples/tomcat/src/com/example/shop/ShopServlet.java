// SPDX-License-Identifier: Apache-2.0
package com.example.shop;

import jakarta.servlet.annotation.WebServlet;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** GET /price?item=NAME. This class is the same in both shops; the price list is not. */
@WebServlet("/price")
public class ShopServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    private final transient PriceList prices = new PriceList();

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String item = request.getParameter("item");
        response.setContentType("text/plain;charset=utf-8");
        response.getWriter().println(label(item) + prices.priceOf(item) + " cents");
    }

    private String label(String item) {
        return item + ": ";
    }
}
